"""What a shell offers while a command is typed."""

import pytest
from typer.testing import CliRunner

from api.cli import completion
from api.cli.app import app
from tests.cli.conftest import Terminal
from tests.http import Api
from tests.ports import free_port
from tests.waiting import CEILING


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the API may need longer than a person wants to wait."""
    monkeypatch.setattr(completion, "QUICK", CEILING)


def offered(terminal: Terminal, *words: str) -> list[str]:
    asking = {"_FLAGHOIST_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["flaghoist", *words]), "COMP_CWORD": str(len(words))}
    answer = CliRunner().invoke(app, env=terminal.environment | asking, prog_name="flaghoist")
    assert answer.stderr == ""
    return answer.stdout.split()


def test_commands_and_options_are_offered(terminal: Terminal) -> None:
    assert offered(terminal, "pipe") == ["pipelines"]
    assert offered(terminal, "pipelines", "re") == ["replace"]
    assert {"--segment", "--remove-overrides"} <= set(offered(terminal, "features", "set", "--"))
    assert offered(terminal, "releases", "list", "--status", "roll") == ["rolling_back", "rolled_back"]


def test_keys_that_the_api_knows_are_offered(terminal: Terminal, api: Api, published: str) -> None:
    release = api.add()["id"]

    assert offered(terminal, "features", "show", "ch") == ["checkout"]
    assert offered(terminal, "pipelines", "show", "st") == ["standard"]
    assert offered(terminal, "features", "set", "checkout", "-e", "pro") == ["production"]
    assert offered(terminal, "features", "set", "checkout", "--segment", "b") == ["beta-users"]
    assert offered(terminal, "releases", "watch", release[:4]) == [release]
    assert offered(terminal, "projects", "show", "") == ["shop"]
    assert offered(terminal, "keys", "revoke", "") == [api.get("/keys")["items"][0]["id"]]
    assert "release.blocked" in offered(terminal, "audit", "--event", "release")


def test_the_project_that_is_typed_is_asked(terminal: Terminal, api: Api) -> None:
    api.post("/projects", {"key": "blog"})
    api.post("/projects/blog/features", {"key": "comments"})

    assert offered(terminal, "features", "show", "-p", "blog", "") == ["comments"]


def test_nothing_is_offered_and_nothing_printed_where_the_api_does_not_answer(terminal: Terminal) -> None:
    nowhere = Terminal(f"http://127.0.0.1:{free_port()}")
    stranger = Terminal(terminal.environment["FLAGHOIST_URL"], "fh_nobody_knows_this_key")

    assert [offered(each, "features", "show", "") for each in (nowhere, stranger)] == [[], []]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str) -> None:
    printed = CliRunner().invoke(app, env={"_FLAGHOIST_COMPLETE": f"source_{shell}"}, prog_name="flaghoist")

    assert printed.exit_code == 0
    assert f"complete_{shell}" in printed.stdout
