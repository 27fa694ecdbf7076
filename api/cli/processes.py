"""The commands that start processes. Each takes this process's place, so that signals and exit codes are its own."""

import os
import sys
from typing import Annotated

import typer

from api.cli.help_panels import RUN
from api.cli.session import read_settings
from domain.duration import parse_duration


def start_dev(
    demo: Annotated[bool, typer.Option(help="Load the demo project, unless it is there already.")] = True,
) -> None:
    """Start everything on this machine: a Temporal dev server, a worker and the API, with a demo."""
    _become("api.embedded", *([] if demo else ["--no-demo"]))


def start_api() -> None:
    """Serve the HTTP API."""
    _become("api.app")


def start_worker() -> None:
    """Run a worker, which carries out the stages of releases."""
    _become("worker")


def migrate() -> None:
    """Bring the database to this version's schema."""
    _become("api.embedded.schema")


def bootstrap(
    wait: Annotated[int, typer.Option(min=0, help="How many seconds to wait for Temporal.")] = 60,
    retention: Annotated[
        str, typer.Option(help="How long Temporal keeps ended workflows.", show_default="30d in a new namespace, an existing one's own")
    ] = "",
) -> None:
    """Prepare a deployment: Temporal's namespace and search attributes, the database, the bootstrap key. May be repeated."""
    if retention:
        try:
            parse_duration(retention)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--retention") from error
    _become("api.bootstrap", str(wait), *([retention] if retention else []))


def add_to(app: typer.Typer) -> None:
    """Give the application these commands."""
    app.command("dev", rich_help_panel=RUN)(start_dev)
    app.command("api", rich_help_panel=RUN)(start_api)
    app.command("worker", rich_help_panel=RUN)(start_worker)
    app.command("migrate", rich_help_panel=RUN)(migrate)
    app.command("bootstrap", rich_help_panel=RUN)(bootstrap)


def _become(module: str, *arguments: str) -> None:
    read_settings()
    sys.stdout.flush()
    # -P: a module of the same name in the current folder must not take its place.
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execv(command[0], command)  # noqa: S606  the whole command is ours
