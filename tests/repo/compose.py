"""The files of a deployment, read as data."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class Variable(NamedTuple):
    """What a person sets in .env; required, unless it has a default."""

    name: str
    required: bool


class Instruction(NamedTuple):
    """One instruction of the Dockerfile, its lines joined."""

    name: str
    rest: str


def compose_file() -> dict[str, Any]:
    """The compose file, with anchors and merges resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """Each service by its name."""
    return dict(compose_file()["services"])


def environments() -> Iterator[tuple[str, str, str]]:
    """Each service's name with each of its variables and their values, as written."""
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, value


def variables_of(text: str) -> set[Variable]:
    """What is to be filled in."""
    return {Variable(found["name"], required=found["kind"] == "?") for found in _VARIABLE.finditer(text)}


def filled_in(value: str, filling: str) -> str:
    """A value as a process gets it: the default, or else the filling."""
    return _VARIABLE.sub(lambda found: found["rest"] if found["kind"] == "-" else filling, value)


def dockerfile() -> list[Instruction]:
    """The instructions, without comments."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
