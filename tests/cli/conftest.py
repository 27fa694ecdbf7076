"""A terminal in which `flaghoist` is typed, against the real API over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from api.cli.app import app
from tests.http import OWNER_KEY, Api
from tests.pipelines import enable, hold, pipeline, stage


class Terminal:
    """Types commands and keeps what they answered."""

    def __init__(self, address: str, key: str = OWNER_KEY, **environment: str) -> None:
        self.environment = {"FLAGHOIST_URL": address, "FLAGHOIST_KEY": key, "FLAGHOIST_PROJECT": "shop", "TERM": "dumb"} | environment
        self.code = 0
        self.out = ""
        self.err = ""

    def types(self, *command: str, answers: str = "") -> "Terminal":
        """Run one command to its end."""
        result = CliRunner().invoke(app, command, input=answers, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr
        return self

    def reads(self, *command: str) -> Any:
        """What a command prints with --json; anything but success fails the test."""
        self.types(*command, "--json")
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def logs_elsewhere() -> Iterator[None]:
    """The API runs in this process, and what it logs must not get into what commands print."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


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
