"""Commands import only what they need, and are listed without being imported."""

import subprocess
import sys

import pytest

from api.cli.api_target import DEFAULT_HOME, DEFAULT_PORT
from api.cli.lazy import LazyCommand
from settings import Settings
from tests.cli.commands import ROOT, loaded, subcommands
from tests.cli.conftest import Terminal
from tests.http import OWNER_KEY, Api

SERVER = frozenset({"alembic", "fastapi", "pydantic", "pydantic_settings", "sqlalchemy", "structlog", "temporalio", "uvicorn", "yaml"})
CLIENT = frozenset({"api.client", "httpcore", "httpx"})

SCRIPT = """
import sys
from api.cli.app import main
sys.argv[0] = "flaghoist"
try:
    main()
finally:
    print("\\n" + " ".join(name for name, module in sys.modules.items() if module))
"""


def imported(*typed: str, **environment: str) -> set[str]:
    """Run a command in a process of its own and return the modules that it imported."""
    ended = subprocess.run([sys.executable, "-c", SCRIPT, *typed], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("typed", ["--help", "--version"])
def test_help_and_version_import_neither_the_server_nor_the_client(typed: str) -> None:
    assert imported(typed) & (SERVER | CLIENT) == set()


@pytest.mark.parametrize("typed", ["releases list", "pipelines list", "features list", "environments list", "projects list", "audit"])
def test_a_list_command_imports_the_client_and_not_the_server(terminal: Terminal, api: Api, typed: str) -> None:
    environment = {"FLAGHOIST_URL": api.address, "FLAGHOIST_KEY": OWNER_KEY, "FLAGHOIST_PROJECT": "shop"}

    modules = imported(*typed.split(), **environment)

    assert modules & SERVER == set()
    assert "api.client" in modules
    assert "httpx._main" not in modules


def test_completing_the_name_of_a_command_imports_no_command() -> None:
    typed = {"_FLAGHOIST_COMPLETE": "complete_bash", "COMP_WORDS": "flaghoist pipe", "COMP_CWORD": "1"}

    assert {name for name in imported(**typed) if name.startswith(("api.cli.pipelines", "httpx", "pydantic"))} == set()


def test_the_table_of_commands_agrees_with_their_help() -> None:
    groups = [ROOT, *(command for command in subcommands(ROOT).values() if hasattr(command, "commands"))]
    entries = [command for group in groups for command in group.commands.values() if isinstance(command, LazyCommand)]

    assert len(entries) > 25
    for command in entries:
        assert loaded(command).help.split("\n\n")[0] == command.help
        assert (loaded(command).rich_help_panel, loaded(command).name) == (command.rich_help_panel, command.name)


def test_the_defaults_of_the_client_are_those_of_the_settings() -> None:
    fields = Settings.model_fields

    assert (str(fields["home"].default), str(fields["port"].default)) == (DEFAULT_HOME, DEFAULT_PORT)


def test_the_version_is_printed() -> None:
    assert Terminal("").run("--version").out.startswith("flaghoist 0.")
