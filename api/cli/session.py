"""Shared parts of the commands: their options and arguments, and a client of the API whose errors end the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.api_target import ApiTarget
from api.cli.completion import offer_keys, offer_projects
from api.cli.lazy import LazyModule
from api.cli.output import show_error
from api.cli.usage import REFUSED, UNREACHABLE, USAGE, usage_error

if TYPE_CHECKING:
    import pydantic

    import settings
    from api import client
else:
    pydantic, settings, client = map(LazyModule, ("pydantic", "settings", "api.client"))

_PROJECT = typer.Option("--project", "-p", envvar="FLAGHOIST_PROJECT", help="The project's key.", autocompletion=offer_projects)

ProjectOption = Annotated[str, _PROJECT]
OptionalProjectOption = Annotated[str | None, _PROJECT]
NameOption = Annotated[str | None, typer.Option("--name", help="A display name.", show_default="its key")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the API's response as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="The maximum number of items.")]
FeatureArgument = Annotated[str, typer.Argument(metavar="FEATURE", help="The feature's key.", autocompletion=offer_keys("features"))]
NewKeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Its key, which can't be changed later: a-z, 0-9, - and _.")]
NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]


@contextmanager
def settings_errors() -> Iterator[None]:
    """End the command with exit code 2 if a setting is invalid, and print which one."""
    try:
        yield
    except pydantic.ValidationError as error:
        for each in error.errors():
            show_error(f"FLAGHOIST_{'_'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}")
        raise typer.Exit(USAGE) from error


def check_settings() -> None:
    """End the command with exit code 2 if a setting is invalid."""
    with settings_errors():
        settings.Settings()


@contextmanager
def api_client(context: typer.Context) -> Iterator["client.ApiClient"]:
    """Yield a client of the chosen API. If the API refuses a request or is unreachable, end the command with that exit code."""
    chosen: ApiTarget = context.obj
    with settings_errors():
        target = chosen.resolved()
    if not target.key.isascii() or not target.key.isprintable():
        raise usage_error("FLAGHOIST_KEY is not an API key: keys consist of letters, digits, `-` and `_`.")
    try:
        with target.connect() as connected:
            yield connected
    except client.Refused as refused:
        show_error(refused.detail)
        for problem in refused.problems:
            show_error(f"  {problem.pointer or '/'}: {problem.message}")
        if refused.status == HTTPStatus.PRECONDITION_FAILED:
            show_error("Nothing was changed. Run the command again: it shows the current state.")
        raise typer.Exit(REFUSED) from refused
    except client.Unreachable as unreachable:
        show_error(f"{unreachable}. Is it running, and is FLAGHOIST_URL correct?")
        raise typer.Exit(UNREACHABLE) from unreachable


def provided(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
