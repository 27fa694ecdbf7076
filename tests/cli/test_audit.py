"""The command for the audit log."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.audited import fill_audit_log
from tests.cli.conftest import Terminal
from tests.http import Api


def test_entries_are_listed_in_words(terminal: Terminal) -> None:
    terminal.run("features", "set", "checkout", "-e", "staging", "--enabled", "--value", "one-page")

    terminal.run("audit", "--event", "flag.changed")

    assert 'off → on; value "classic" → "one-page"' in terminal.out
    assert "checkout / staging" in terminal.out


def test_the_log_is_filtered_and_limited(terminal: Terminal) -> None:
    assert len(terminal.read_json("audit", "--limit", "2")) == 2
    assert {each["feature"] for each in terminal.read_json("audit", "--feature", "checkout")} == {"checkout"}
    assert terminal.read_json("audit", "--owner", "nobody") == []


def test_every_filter_narrows_the_log(terminal: Terminal, published: str) -> None:
    release = terminal.read_json("releases", "add", "checkout", "standard", "--yes")["id"]
    terminal.run("releases", "remove", release, "--yes")
    terminal.run("features", "set", "checkout", "-e", "staging", "--enabled")

    def events(*filters: str) -> set[str]:
        return {each["event"] for each in terminal.read_json("audit", *filters)}

    assert events("--environment", "staging") == {"environment.created", "flag.changed"}
    assert events("--segment", "staff") == {"segment.created"}
    assert events("--pipeline", "standard", "--event", "release.added") == {"release.added"}
    assert events("--stage", "Beta") == set()
    assert events("--release", release) == {"release.added", "release.removed"}
    assert events("--since", "1h") == events() != set()
    assert events("--until", "1h") == events("--since", "2999-12-31") == set()


def test_a_time_without_an_offset_is_in_this_machines_time_zone(terminal: Terminal) -> None:
    local = datetime.now() + timedelta(minutes=5)  # noqa: DTZ005  the test is about a time without a zone

    assert terminal.read_json("audit", "--since", f"{local:%Y-%m-%dT%H:%M}") == []
    assert terminal.read_json("audit", "--until", f"{local:%Y-%m-%d %H:%M}") != []


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_an_invalid_time_is_a_usage_error_or_refused(terminal: Terminal, typed: str) -> None:
    assert terminal.run("audit", "--since", typed).code in (1, 2)

    assert terminal.err


def test_the_whole_log_is_written_to_a_file_or_printed(terminal: Terminal, sqlite_url: str, tmp_path: Path) -> None:
    fill_audit_log(sqlite_url, 450)
    file = tmp_path / "audit.ndjson"

    assert terminal.run("audit", "--event", "segment.changed", "--segment", "staff", "--export", str(file)).code == 0
    output = terminal.out
    assert terminal.run("audit", "--event", "segment.changed", "--segment", "staff", "--export", "-").code == 0

    assert output == ""
    assert file.read_text() == terminal.out
    assert [json.loads(line)["segment"] for line in file.read_text().split("\n")[:-1]] == ["staff"] * 150


def test_a_file_is_left_alone_until_the_api_has_responded(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text("old export")

    assert terminal.run("audit", "--project", "nowhere", "--export", str(file), "--yes").code == 1
    assert file.read_text() == "old export"

    assert terminal.run("audit", "--owner", "nobody", "--export", str(file), "--yes").code == 0
    assert file.read_text() == ""


def test_an_existing_file_is_overwritten_only_after_confirmation(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text("old export")

    assert terminal.run("audit", "--export", str(file), answers="n\n").code == 1
    assert "already exists" in terminal.err
    assert file.read_text() == "old export"

    assert terminal.run("audit", "--export", str(file), answers="y\n").code == 0
    assert json.loads(file.read_text().splitlines()[0])["event"] == "feature.created"


def test_the_log_of_all_projects_shows_the_project(terminal: Terminal, api: Api) -> None:
    api.post("/keys", {"name": "root", "owner": {"kind": "person", "name": "olivia"}, "grants": [{"role": "owner"}]})

    entries = terminal.read_json("audit", "--all-projects", "--limit", "2")

    assert [(entry["event"], entry["project"]) for entry in entries] == [("key.created", None), ("feature.created", "shop")]
    assert "shop / checkout" in terminal.run("audit", "--all-projects").out


def test_a_missing_project_is_a_usage_error(api: Api) -> None:
    terminal = Terminal(api.address, FLAGHOIST_PROJECT="")

    assert terminal.run("audit").code == 2
    assert "--all-projects" in terminal.err


def test_an_interrupted_export_is_reported(terminal: Terminal, tmp_path: Path) -> None:
    with interrupted_response(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}\n\r\n"
    ) as address:
        broken = Terminal(address).run("audit", "--export", str(tmp_path / "audit.ndjson"))

    assert broken.code == 3
    assert "was interrupted" in broken.err


@contextmanager
def interrupted_response(response: bytes) -> Iterator[str]:
    """Yield the address of a server that sends this to one request and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
