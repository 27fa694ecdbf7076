"""The deployment files, read as data."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class Variable(NamedTuple):
    """A variable that a person sets in .env; required unless it has a default."""

    name: str
    required: bool


class Instruction(NamedTuple):
    """One instruction of the Dockerfile, with its lines joined."""

    name: str
    rest: str


def compose_file() -> dict[str, Any]:
    """Return the Compose file, with anchors and merges resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """Return each service by its name."""
    return dict(compose_file()["services"])


def environments() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each service with each of its variables and its value, as written."""
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, value


def variables_of(text: str) -> set[Variable]:
    """Return the variables that must be substituted in a text."""
    return {Variable(found["name"], required=found["kind"] == "?") for found in _VARIABLE.finditer(text)}


def filled_in(value: str, filling: str) -> str:
    """Return a value as a process gets it: with defaults, or with the filling if there is none."""
    return _VARIABLE.sub(lambda found: found["rest"] if found["kind"] == "-" else filling, value)


def environment_of(service: str, filling: str) -> dict[str, str]:
    """Return the environment that a service gets, with the filling for each variable that has no default."""
    return {variable: filled_in(value, filling) for name, variable, value in environments() if name == service}


def dockerfile() -> list[Instruction]:
    """Return the instructions of the Dockerfile, without comments."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
