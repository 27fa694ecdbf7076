"""The choice of API and key, and the exit codes."""

import re
import socket
import threading
from pathlib import Path

import pytest

from api.cli.app import main
from tests.cli.conftest import Terminal
from tests.http import OWNER_KEY, Api
from tests.ports import free_port


def test_an_unreachable_api_is_exit_code_3() -> None:
    terminal = Terminal(f"http://127.0.0.1:{free_port()}").run("features", "list")

    assert terminal.code == 3
    assert "FLAGHOIST_URL" in terminal.err


def test_a_missing_project_is_a_usage_error(api: Api) -> None:
    terminal = Terminal(api.address)
    del terminal.environment["FLAGHOIST_PROJECT"]

    assert terminal.run("features", "list").code == 2


def test_an_unknown_key_is_refused(terminal: Terminal, api: Api) -> None:
    stranger = Terminal(api.address, "fh_nobody_knows_this_key").run("features", "list")

    assert stranger.code == 1
    assert "unknown or revoked" in stranger.err


def test_the_embedded_stacks_key_is_found_in_its_folder(terminal: Terminal, api: Api, tmp_path: Path) -> None:
    (tmp_path / "bootstrap.key").write_text(f"{OWNER_KEY}\n")

    local = Terminal(api.address, key="", FLAGHOIST_HOME=str(tmp_path))

    assert local.run("features", "list").code == 0


def test_the_embedded_stacks_key_is_never_sent_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "bootstrap.key").write_text("fh_klüger_wäre_es_nicht\n")

    remote = Terminal("http://flaghoist.invalid", key="", FLAGHOIST_HOME=str(tmp_path))

    assert remote.run("features", "list").code == 3


def test_an_invalid_setting_is_reported() -> None:
    terminal = Terminal("", FLAGHOIST_PORT="many").run("features", "list")

    assert terminal.code == 2
    assert "FLAGHOIST_PORT" in terminal.err


@pytest.mark.parametrize(("typed", "project"), [("\udcff", "shop"), ("checkout", "\udcff")])
def test_invalid_utf_8_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, project: str
) -> None:
    monkeypatch.setattr("sys.argv", ["flaghoist", "features", "show", typed])
    monkeypatch.setenv("FLAGHOIST_PROJECT", project)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "UTF-8" in capsys.readouterr().err


def test_another_server_at_the_address_is_exit_code_3(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_answer_once, args=[listener, b'{"hello": "world"}']).start()

        other = Terminal(f"http://127.0.0.1:{port}").run("features", "list")

    assert other.code == 3
    assert "is not Flaghoist's API" in other.err


def _answer_once(listener: socket.socket, body: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_names_cannot_control_the_terminal(terminal: Terminal, api: Api) -> None:
    api.patch("/projects/shop/environments/staging/features/checkout", {"value": "\x1b[2J\x9b2J[red]x"})

    terminal.run("features", "show", "checkout")

    assert "\x1b" not in terminal.out
    assert "\x9b" not in terminal.out
    assert "[red]x" in terminal.out


def test_a_post_with_an_interrupted_response_is_sent_again_with_the_same_idempotency_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        requests: list[bytes] = []
        server = threading.Thread(target=_interrupt_then_answer, args=[listener, requests])
        server.start()

        created = Terminal(f"http://127.0.0.1:{listener.getsockname()[1]}").read_json("projects", "create", "second")
        server.join()

    first, second = (re.findall(rb"idempotency-key: (\w+)", each, re.IGNORECASE) for each in requests)
    assert created == {"key": "second"}
    assert (len(first), first) == (1, second)


def _interrupt_then_answer(listener: socket.socket, requests: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        requests.append(_read_request(connection))
    connection, _ = listener.accept()
    with connection:
        requests.append(_read_request(connection))
        connection.sendall(b'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"key": "second"}')


def _read_request(connection: socket.socket) -> bytes:
    """Read headers and body: closing a connection with unread data could destroy the response."""
    with connection.makefile("rb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n"))
        [length] = re.findall(rb"content-length: (\d+)", head, re.IGNORECASE)
        return head + stream.read(int(length))
