"""Which API is meant, with which key, and what the exit codes say."""

import re
import socket
import threading
from pathlib import Path

import pytest

from api.cli.app import main
from tests.cli.conftest import Terminal
from tests.http import OWNER_KEY, Api
from tests.ports import free_port


def test_an_api_that_does_not_answer_is_exit_code_3() -> None:
    terminal = Terminal(f"http://127.0.0.1:{free_port()}").types("features", "list")

    assert terminal.code == 3
    assert "FLAGHOIST_URL" in terminal.err


def test_no_project_is_wrong_usage(api: Api) -> None:
    terminal = Terminal(api.address)
    del terminal.environment["FLAGHOIST_PROJECT"]

    assert terminal.types("features", "list").code == 2


def test_an_unknown_key_is_refused(terminal: Terminal, api: Api) -> None:
    stranger = Terminal(api.address, "fh_nobody_knows_this_key").types("features", "list")

    assert stranger.code == 1
    assert "unknown or revoked" in stranger.err


def test_the_first_key_is_found_where_the_embedded_stack_keeps_it(terminal: Terminal, api: Api, tmp_path: Path) -> None:
    (tmp_path / "bootstrap.key").write_text(f"{OWNER_KEY}\n")

    here = Terminal(api.address, key="", FLAGHOIST_HOME=str(tmp_path))

    assert here.types("features", "list").code == 0


def test_the_first_key_is_never_sent_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "bootstrap.key").write_text("fh_klüger_wäre_es_nicht\n")

    there = Terminal("http://flaghoist.invalid", key="", FLAGHOIST_HOME=str(tmp_path))

    assert there.types("features", "list").code == 3


def test_a_wrong_setting_is_named() -> None:
    terminal = Terminal("", FLAGHOIST_PORT="many").types("features", "list")

    assert terminal.code == 2
    assert "FLAGHOIST_PORT" in terminal.err


@pytest.mark.parametrize(("typed", "project"), [("\udcff", "shop"), ("checkout", "\udcff")])
def test_what_is_no_text_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, project: str
) -> None:
    monkeypatch.setattr("sys.argv", ["flaghoist", "features", "show", typed])
    monkeypatch.setenv("FLAGHOIST_PROJECT", project)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "UTF-8" in capsys.readouterr().err


def test_an_api_that_is_another_is_exit_code_3(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_answer_once, args=[listener, b'{"hello": "world"}']).start()

        other = Terminal(f"http://127.0.0.1:{port}").types("features", "list")

    assert other.code == 3
    assert "is not Flaghoist's API" in other.err


def _answer_once(listener: socket.socket, body: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_names_cannot_steer_the_terminal(terminal: Terminal, api: Api) -> None:
    api.patch("/projects/shop/environments/staging/features/checkout", {"value": "\x1b[2J\x9b2J[red]x"})

    terminal.types("features", "show", "checkout")

    assert "\x1b" not in terminal.out
    assert "\x9b" not in terminal.out
    assert "[red]x" in terminal.out


def test_a_post_whose_answer_broke_off_is_sent_once_more_under_the_same_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[bytes] = []
        answers = threading.Thread(target=_break_off_and_answer, args=[listener, taken])
        answers.start()

        created = Terminal(f"http://127.0.0.1:{listener.getsockname()[1]}").reads("projects", "create", "second")
        answers.join()

    first, second = (re.findall(rb"idempotency-key: (\w+)", each, re.IGNORECASE) for each in taken)
    assert created == {"key": "second"}
    assert (len(first), first) == (1, second)


def _break_off_and_answer(listener: socket.socket, taken: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        taken.append(connection.recv(65_536))
    connection, _ = listener.accept()
    with connection:
        taken.append(connection.recv(65_536))
        connection.sendall(b'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"key": "second"}')
