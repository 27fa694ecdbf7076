"""The command that rolls a release back: it shows a preview first, and waits for the result."""

import time
from typing import Annotated, Any

import typer

from api.cli.output import confirm
from api.cli.releases import ReleaseArgument, print_release
from api.cli.rollback_output import preview_in_words
from api.cli.send_control import ReasonOption, expected_position, read_release
from api.cli.session import JsonOption, ProjectOption, YesOption, api_client, provided
from api.client import ApiClient, path_of
from domain.releases.control import Control

POLL_SECONDS = 0.3


def roll_back_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    to_stage: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Undo only the changes made after this stage.", show_default="undo everything")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also restore fields that were changed by hand since.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="How many seconds to wait for the result.")] = 10,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the changes of a release. Shows each field before and after, and asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, to_stage, force=force)
    path = path_of("projects", project, "releases", release)
    with api_client(context) as client:
        requested = client.post(f"{path}/rollback", provided(to_stage=to_stage, force=force, reason=reason, **position))
        result = _wait(client, path, requested, wait)
    print_release(result, as_json=as_json)


def _confirm(context: typer.Context, project: str, release: str, to_stage: str | None, *, force: bool) -> dict[str, Any]:
    """Show the preview and ask for confirmation. Return the fields that make the rollback apply only to the release as it was shown."""
    found = read_release(context, project, release, Control.ROLLBACK)
    with api_client(context) as client:
        preview = client.get(path_of("projects", project, "releases", release, "rollback"), to_stage=to_stage, force=force)
    extent = f" to the state after '{preview['to_stage']}'" if preview["to_stage"] else ""
    confirm(preview_in_words(preview, found["feature"]), f"Roll back '{found['feature']}'{extent}?", yes=False)
    return expected_position(found)


def _wait(client: ApiClient, path: str, release: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the release when the rollback has ended, or as it is after this time."""
    deadline = time.monotonic() + seconds
    while release["status"] == "rolling_back" and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        release = client.get(path)
    return release
