"""Options of the form NAME=VALUE, and the parameters of a pipeline."""

from typing import Annotated, Any

import typer

from api.cli.flags import parse_value
from api.cli.usage import usage_error

ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        metavar="NAME=VALUE",
        help="A parameter of the pipeline, such as launch_at=2026-03-01T09:00Z. May be repeated.",
    ),
]


def parse_parameters(pipeline: dict[str, Any], typed: list[str] | None) -> dict[str, Any]:
    """Parse each parameter as the type that the pipeline declares. Undeclared names are left for the API to reject."""
    return {
        name: parse_value(_type_of(pipeline, name), text, f"--parameter {name}") for name, text in parse_pairs(typed, "--parameter").items()
    }


def parse_pairs(typed: list[str] | None, option: str) -> dict[str, str]:
    """Parse NAME=VALUE texts. A repeated name is a usage error."""
    found: dict[str, str] = {}
    for each in typed or ():
        name, separator, text = each.partition("=")
        if not separator or not name:
            raise usage_error(f"{option} must be NAME=VALUE, not '{each}'.")
        if name in found:
            raise usage_error(f"{option} is given twice for '{name}'.")
        found[name] = text
    return found


def _type_of(pipeline: dict[str, Any], name: str) -> str:
    declared = pipeline["parameters"].get(name)
    return declared["type"] if declared else "string"
