"""A terminal that runs `flaghoist` commands against the real API over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from api.cli.app import app
from tests.emptied import empty_database
from tests.http import OWNER_KEY, Api
from tests.pipelines import enable, hold, pipeline, stage


class Terminal:
    """Runs commands and keeps their exit code and output."""

    def __init__(self, address: str, key: str = OWNER_KEY, **environment: str) -> None:
        self.environment = {"FLAGHOIST_URL": address, "FLAGHOIST_KEY": key, "FLAGHOIST_PROJECT": "shop", "TERM": "dumb"} | environment
        self.code = 0
        self.out = ""
        self.err = ""

    def run(self, *command: str, answers: str = "") -> "Terminal":
        """Run one command to its end."""
        result = CliRunner().invoke(app, command, input=answers, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr
        return self

    def read_json(self, *command: str) -> Any:
        """Run a command with --json and return what it prints. Fail the test if the command fails."""
        self.run(*command, "--json")
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def logs_discarded() -> Iterator[None]:
    """The API runs in this process, and its logs must not mix with the output of commands."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def sqlite_url(shared_sqlite: str) -> str:
    """The database of the API."""
    return shared_sqlite


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """One API for all commands. Its database is emptied after each test."""
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)


@pytest.fixture
def terminal(api: Api) -> Terminal:
    """A terminal with the first key, in a project with a feature."""
    api.make_project()
    return Terminal(api.address)


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A pipeline in a file."""
    path = tmp_path / "standard.json"
    stages = [stage("Development"), stage("Beta", "production", "24h", [enable("beta-users")]), hold("Watch", "2d")]
    path.write_text(json.dumps(pipeline(*stages)))
    return path


@pytest.fixture
def published(api: Api, terminal: Terminal, definition: Path) -> str:
    """The id of a published pipeline."""
    return str(api.publish(json.loads(definition.read_text()))["id"])
