"""The reasons why the embedded stack does not start: one sentence each, with the remedy."""

import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from api.embedded.errors import CannotStart
from api.embedded.ports import check_ports
from api.embedded.processes import find_temporal
from api.embedded.schema import prepare_database
from api.embedded.state_dir import StateDir
from settings import Settings
from tests.embedded.running import RunningStack, settings_of
from tests.ports import free_port


@pytest.mark.e2e
@pytest.mark.xdist_group("embedded")
def test_a_busy_port_is_reported_in_a_sentence_with_exit_code_1(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(settings["FLAGHOIST_TEMPORAL_PORT"])))
        listener.listen()
        with RunningStack(settings) as stack:
            assert stack.wait() == 1

    assert "Temporal server" in stack.lines[0]
    assert "FLAGHOIST_TEMPORAL_PORT" in stack.lines[0]
    assert len(stack.lines) == 1


@pytest.mark.parametrize(
    ("field", "variable"),
    [("port", "FLAGHOIST_PORT"), ("temporal_port", "FLAGHOIST_TEMPORAL_PORT"), ("temporal_ui_port", "FLAGHOIST_TEMPORAL_UI_PORT")],
)
def test_each_busy_port_is_reported_with_its_setting(field: str, variable: str) -> None:
    ports: dict[str, Any] = {name: free_port() for name in ("port", "temporal_port", "temporal_ui_port")}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports[field]))
        listener.listen()

        with pytest.raises(CannotStart, match=f"Port {ports[field]}.* is already in use.*{variable} "):
            check_ports(Settings(**ports))


def test_using_one_port_twice_is_reported() -> None:
    port = free_port()

    with pytest.raises(CannotStart, match="FLAGHOIST_PORT and FLAGHOIST_TEMPORAL_UI_PORT are both"):
        check_ports(Settings(port=port, temporal_port=free_port(), temporal_ui_port=port))


def test_an_address_of_another_machine_is_reported() -> None:
    with pytest.raises(CannotStart, match="FLAGHOIST_HOST"):
        check_ports(Settings(host="203.0.113.7", port=free_port()))


def test_a_missing_temporal_binary_is_reported_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(CannotStart, match="extra `embedded`"):
        find_temporal()

    shutil.copy("/bin/true", tmp_path / "temporal")
    assert find_temporal() == tmp_path / "temporal"


def test_a_second_stack_in_the_same_home_is_refused(tmp_path: Path) -> None:
    home = StateDir(tmp_path / "home")
    home.prepare()

    with home.locked(), pytest.raises(CannotStart, match="`flaghoist dev` is already running"), StateDir(tmp_path / "home").locked():
        pass

    with home.locked():
        pass


def test_a_home_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="FLAGHOIST_HOME"):
        StateDir(tmp_path / "file" / "home").prepare()


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="FLAGHOIST_BOOTSTRAP_KEY"):
        StateDir(tmp_path).ensure_key("secret")


def test_a_key_is_generated_once_and_stored(tmp_path: Path) -> None:
    generated = StateDir(tmp_path).ensure_key("")

    assert StateDir(tmp_path).ensure_key("") == generated
    assert StateDir(tmp_path).ensure_key("fh_another_key_that_was_given") == "fh_another_key_that_was_given"
    assert (tmp_path / "bootstrap.key").read_text() == "fh_another_key_that_was_given\n"


@pytest.mark.parametrize("url", ["nonsense", "oracle://nowhere", "postgresql+psycopg://127.0.0.1:1/none"])
def test_an_unusable_database_is_reported(url: str) -> None:
    with pytest.raises(CannotStart):
        prepare_database(Settings(database_url=url))
