"""What every command of a terminal session needs: the API, and the exit codes when it refuses or can't be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple

import typer
from pydantic import ValidationError

from api.cli.showing import show_error
from api.client import ApiClient, Refused, Unreachable, is_local
from settings import Settings

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: the API said no; the command makes no sense; nobody answers."""

Project = Annotated[str, typer.Option("--project", "-p", envvar="FLAGHOIST_PROJECT", help="The project's key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the API answers, as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many, at most.")]


class Target(NamedTuple):
    """Which API is meant, and the key for it; empty where the settings say."""

    url: str
    key: str


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
    target: Target = context.obj
    settings = read_settings()
    url = target.url or f"http://127.0.0.1:{settings.port}"
    key = target.key or (_kept_key(settings) if is_local(url) else "")
    if not key.isascii() or not key.isprintable():
        show_error("FLAGHOIST_KEY is no API key: keys are of letters, digits, `-` and `_`.")
        raise typer.Exit(USAGE)
    try:
        with ApiClient(url, key) as client:
            yield client
    except Refused as refused:
        show_error(refused.detail)
        for problem in refused.problems:
            show_error(f"  {problem.pointer or '/'}: {problem.message}")
        raise typer.Exit(REFUSED) from refused
    except Unreachable as unreachable:
        show_error(f"{unreachable}. Is it running, and is FLAGHOIST_URL right?")
        raise typer.Exit(UNREACHABLE) from unreachable


def _kept_key(settings: Settings) -> str:
    """The embedded stack's first key, if this is where it lives."""
    try:
        return (settings.home / "bootstrap.key").read_text().strip()
    except OSError:
        return ""
