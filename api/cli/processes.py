"""The commands that start processes. Each replaces this process, so that signals and exit codes need no forwarding."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lazy import LazyModule
from api.cli.session import check_settings

if TYPE_CHECKING:
    from domain import duration
else:
    duration = LazyModule("domain.duration")


def start_dev(
    demo: Annotated[bool, typer.Option(help="Load the demo project, unless it exists already.")] = True,
    provider: Annotated[
        str, typer.Option(metavar="KIND", help="Keep the demo's flags in another system: unleash or flagd.", show_default=False)
    ] = "",
    address: Annotated[
        str, typer.Option(metavar="URL", help="The address of Unleash, whose admin token is in UNLEASH_TOKEN.", show_default=False)
    ] = "",
) -> None:
    """Start everything on this machine: a Temporal dev server, a worker and the API, with a demo."""
    if provider not in ("", "unleash", "flagd"):
        raise typer.BadParameter(f"'{provider}' is neither unleash nor flagd", param_hint="--provider")
    chosen = [f"--provider={provider}", f"--address={address}"] if provider else []
    _execute("api.embedded", *([] if demo else ["--no-demo"]), *chosen)


def start_api() -> None:
    """Serve the HTTP API."""
    _execute("api.app")


def start_worker() -> None:
    """Run a worker, which carries out the stages of releases."""
    _execute("worker")


def migrate() -> None:
    """Migrate the database to this version's schema."""
    _execute("api.embedded.schema")


def bootstrap(
    wait: Annotated[int, typer.Option(min=0, help="How many seconds to wait for Temporal.")] = 60,
    retention: Annotated[
        str,
        typer.Option(help="How long Temporal keeps closed workflows.", show_default="30d in a new namespace, unchanged in an existing one"),
    ] = "",
) -> None:
    """Prepare a deployment: Temporal's namespace and search attributes, the database, and the bootstrap key. Safe to repeat."""
    if retention:
        try:
            duration.parse_duration(retention)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--retention") from error
    _execute("api.bootstrap", str(wait), *([retention] if retention else []))


def replay(
    fetches: Annotated[int, typer.Option(min=1, max=200, help="How many histories to hold in memory at a time.")] = 20,
) -> None:
    """Replay every open workflow with this version, before its workers start. Exit code 1 if it can't continue one of them."""
    _execute("api.replay", str(fetches))


def _execute(module: str, *arguments: str) -> None:
    check_settings()
    sys.stdout.flush()
    # -P: a module with the same name in the current folder must not be run instead.
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execv(command[0], command)  # noqa: S606  every word of the command is ours
