"""A pipeline's parameters, as they are typed: NAME=VALUE."""

from typing import Annotated, Any

import typer

from api.cli.flags import typed
from api.cli.session import wrong_usage

ParametersGiven = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", metavar="NAME=VALUE", help="What the pipeline asks for, such as launch_at=2026-03-01T09:00Z. May be repeated."
    ),
]


def parameters_of(pipeline: dict[str, Any], written: list[str] | None) -> dict[str, Any]:
    """The parameters that were typed, each of the type that the pipeline declares; the API says which there are not."""
    return {name: typed(_type_of(pipeline, name), text, f"--parameter {name}") for name, text in pairs(written, "--parameter").items()}


def pairs(written: list[str] | None, option: str) -> dict[str, str]:
    """What was typed as NAME=VALUE, each name once."""
    found: dict[str, str] = {}
    for each in written or ():
        name, separator, text = each.partition("=")
        if not separator or not name:
            raise wrong_usage(f"{option} takes NAME=VALUE, not '{each}'.")
        if name in found:
            raise wrong_usage(f"{option} names '{name}' twice.")
        found[name] = text
    return found


def _type_of(pipeline: dict[str, Any], name: str) -> str:
    declared = pipeline["parameters"].get(name)
    return declared["type"] if declared else "string"
