"""The audit log, from a terminal."""

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


def test_what_was_done_is_listed_in_words(terminal: Terminal) -> None:
    terminal.types("features", "set", "checkout", "-e", "staging", "--enabled", "--value", "one-page")

    terminal.types("audit", "--event", "flag.changed")

    assert 'off → on; value "classic" → "one-page"' in terminal.out
    assert "checkout / staging" in terminal.out


def test_the_log_is_filtered_and_cut(terminal: Terminal) -> None:
    assert len(terminal.reads("audit", "--limit", "2")) == 2
    assert {each["feature"] for each in terminal.reads("audit", "--feature", "checkout")} == {"checkout"}
    assert terminal.reads("audit", "--owner", "nobody") == []


def test_every_filter_narrows_the_log(terminal: Terminal, published: str) -> None:
    release = terminal.reads("releases", "add", "checkout", "standard", "--yes")["id"]
    terminal.types("releases", "remove", release, "--yes")
    terminal.types("features", "set", "checkout", "-e", "staging", "--enabled")

    def events(*filters: str) -> set[str]:
        return {each["event"] for each in terminal.reads("audit", *filters)}

    assert events("--environment", "staging") == {"environment.created", "flag.changed"}
    assert events("--segment", "staff") == {"segment.created"}
    assert events("--pipeline", "standard", "--event", "release.added") == {"release.added"}
    assert events("--stage", "Beta") == set()
    assert events("--release", release) == {"release.added", "release.removed"}
    assert events("--since", "1h") == events() != set()
    assert events("--until", "1h") == events("--since", "2999-12-31") == set()


def test_a_time_without_an_offset_is_of_this_machine(terminal: Terminal) -> None:
    ours = datetime.now() + timedelta(minutes=5)  # noqa: DTZ005  it is a time without a zone that is tested

    assert terminal.reads("audit", "--since", f"{ours:%Y-%m-%dT%H:%M}") == []
    assert terminal.reads("audit", "--until", f"{ours:%Y-%m-%d %H:%M}") != []


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_what_is_no_time_is_wrong_usage_or_refused(terminal: Terminal, typed: str) -> None:
    assert terminal.types("audit", "--since", typed).code in (1, 2)

    assert terminal.err


def test_all_of_the_log_is_written_into_a_file_or_printed(terminal: Terminal, sqlite_url: str, tmp_path: Path) -> None:
    fill_audit_log(sqlite_url, 450)
    file = tmp_path / "audit.ndjson"

    assert terminal.types("audit", "--event", "segment.changed", "--segment", "staff", "--export", str(file)).code == 0
    said = terminal.out
    assert terminal.types("audit", "--event", "segment.changed", "--segment", "staff", "--export", "-").code == 0

    assert said == ""
    assert file.read_text() == terminal.out
    assert [json.loads(line)["segment"] for line in file.read_text().split("\n")[:-1]] == ["staff"] * 150


def test_a_file_is_left_alone_until_the_api_has_answered(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text("of yesterday")

    assert terminal.types("audit", "--project", "nowhere", "--export", str(file), "--yes").code == 1
    assert file.read_text() == "of yesterday"

    assert terminal.types("audit", "--owner", "nobody", "--export", str(file), "--yes").code == 0
    assert file.read_text() == ""


def test_a_file_that_is_there_is_overwritten_by_a_yes_only(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text("of yesterday")

    assert terminal.types("audit", "--export", str(file), answers="n\n").code == 1
    assert "is there already" in terminal.err
    assert file.read_text() == "of yesterday"

    assert terminal.types("audit", "--export", str(file), answers="y\n").code == 0
    assert json.loads(file.read_text().splitlines()[0])["event"] == "feature.created"


def test_the_log_of_all_projects_names_them(terminal: Terminal, api: Api) -> None:
    api.post("/keys", {"name": "root", "owner": {"kind": "person", "name": "olivia"}, "grants": [{"role": "owner"}]})

    entries = terminal.reads("audit", "--all-projects", "--limit", "2")

    assert [(entry["event"], entry["project"]) for entry in entries] == [("key.created", None), ("feature.created", "shop")]
    assert "shop / checkout" in terminal.types("audit", "--all-projects").out


def test_a_log_of_no_project_is_wrong_usage(api: Api) -> None:
    nowhere = Terminal(api.address, FLAGHOIST_PROJECT="")

    assert nowhere.types("audit").code == 2
    assert "--all-projects" in nowhere.err


def test_an_export_that_breaks_off_says_so(terminal: Terminal, tmp_path: Path) -> None:
    with breaking_off(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}\n\r\n"
    ) as address:
        broken = Terminal(address).types("audit", "--export", str(tmp_path / "audit.ndjson"))

    assert broken.code == 3
    assert "broke off" in broken.err


@contextmanager
def breaking_off(answer: bytes) -> Iterator[str]:
    """Where one request is answered in part, and the connection then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
