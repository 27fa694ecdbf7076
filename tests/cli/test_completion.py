"""Shell completion."""

import socket

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
    monkeypatch.setattr(completion, "TIMEOUT", CEILING)


def completions(terminal: Terminal, *words: str) -> list[str]:
    environment = {"_FLAGHOIST_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["flaghoist", *words]), "COMP_CWORD": str(len(words))}
    result = CliRunner().invoke(app, env=terminal.environment | environment, prog_name="flaghoist")
    assert result.stderr == ""
    return result.stdout.split()


def test_commands_and_options_are_completed(terminal: Terminal) -> None:
    assert completions(terminal, "pipe") == ["pipelines"]
    assert completions(terminal, "pipelines", "re") == ["replace"]
    assert {"--segment", "--remove-overrides"} <= set(completions(terminal, "features", "set", "--"))
    assert completions(terminal, "releases", "list", "--status", "roll") == ["rolling_back", "rolled_back"]


def test_keys_and_ids_from_the_api_are_completed(terminal: Terminal, api: Api, published: str) -> None:
    release = api.add()["id"]

    assert completions(terminal, "features", "show", "ch") == ["checkout"]
    assert completions(terminal, "pipelines", "show", "st") == ["standard"]
    assert completions(terminal, "features", "set", "checkout", "-e", "pro") == ["production"]
    assert completions(terminal, "features", "set", "checkout", "--segment", "b") == ["beta-users"]
    assert completions(terminal, "releases", "watch", release[:4]) == [release]
    assert completions(terminal, "projects", "show", "") == ["shop"]
    assert completions(terminal, "keys", "revoke", "") == [api.get("/keys")["items"][0]["id"]]
    assert "release.blocked" in completions(terminal, "audit", "--event", "release")


def test_the_typed_project_is_used(terminal: Terminal, api: Api) -> None:
    api.post("/projects", {"key": "blog"})
    api.post("/projects/blog/features", {"key": "comments"})

    assert completions(terminal, "features", "show", "-p", "blog", "") == ["comments"]


def test_an_unreachable_or_refusing_api_gives_no_completions_and_no_output(terminal: Terminal) -> None:
    unreachable = Terminal(f"http://127.0.0.1:{free_port()}")
    unauthorized = Terminal(terminal.environment["FLAGHOIST_URL"], "fh_nobody_knows_this_key")

    assert [completions(each, "features", "show", "") for each in (unreachable, unauthorized)] == [[], []]


def test_an_api_that_never_responds_gives_no_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        terminal = Terminal(f"http://127.0.0.1:{silent.getsockname()[1]}")

        assert completions(terminal, "features", "show", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    printed = CliRunner().invoke(app, env={"_FLAGHOIST_COMPLETE": f"source_{shell}"}, prog_name="flaghoist")

    assert printed.exit_code == 0
    assert f"complete_{shell}" in printed.stdout
