"""What every command of a terminal session needs: the API, and the exit codes when it refuses or can't be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from api.cli.api_target import ApiTarget
from api.cli.completion import offer_keys, offer_projects
from api.cli.output import show_error
from api.client import ApiClient, Refused, Unreachable
from settings import Settings

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: the API said no; the command makes no sense; nobody answers."""

ProjectOption = Annotated[
    str, typer.Option("--project", "-p", envvar="FLAGHOIST_PROJECT", help="The project's key.", autocompletion=offer_projects)
]
AProject = Annotated[
    str | None, typer.Option("--project", "-p", envvar="FLAGHOIST_PROJECT", help="The project's key.", autocompletion=offer_projects)
]
FeatureKey = Annotated[str, typer.Argument(metavar="FEATURE", help="Its key.", autocompletion=offer_keys("features"))]
NewKey = Annotated[str, typer.Argument(metavar="KEY", help="Its key, which never changes: a-z, 0-9, - and _.")]
NewName = Annotated[str | None, typer.Option("--name", help="What people call it.", show_default="its key")]
Renamed = Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the API answers, as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many, at most.")]


def read_settings() -> Settings:
    """The settings; a wrong one is named, with exit code 2."""
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors():
            show_error(f"FLAGHOIST_{'_'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}")
        raise typer.Exit(USAGE) from error


@contextmanager
def calling(context: typer.Context) -> Iterator[ApiClient]:
    """The API that is meant; when it refuses or can't be reached, the command ends with its exit code."""
    target: ApiTarget = context.obj
    settings = read_settings()
    key = target.key_for(settings)
    if not key.isascii() or not key.isprintable():
        raise wrong_usage("FLAGHOIST_KEY is no API key: keys are of letters, digits, `-` and `_`.")
    try:
        with target.client(settings) as client:
            yield client
    except Refused as refused:
        show_error(refused.detail)
        for problem in refused.problems:
            show_error(f"  {problem.pointer or '/'}: {problem.message}")
        raise typer.Exit(REFUSED) from refused
    except Unreachable as unreachable:
        show_error(f"{unreachable}. Is it running, and is FLAGHOIST_URL right?")
        raise typer.Exit(UNREACHABLE) from unreachable


def wrong_usage(line: str) -> typer.Exit:
    """Say what is wrong with what was typed; what this returns is to be raised, and ends the command with exit code 2."""
    show_error(line)
    return typer.Exit(USAGE)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were typed, without those that were not."""
    return {name: value for name, value in fields.items() if value is not None}
