"""Rolling a release back, from a terminal: what would be put back is shown first, and what came of it is waited for."""

import time
from typing import Annotated, Any

import typer

from api.cli.output import ask
from api.cli.releases import Which, print_release
from api.cli.rollback_output import preview_in_words
from api.cli.send_control import Why, look, standing
from api.cli.session import AsJson, ProjectOption, Yes, calling, given
from api.client import ApiClient, path_of
from domain.releases.control import Control

LOOK_EVERY = 0.3


def roll_back_release(
    context: typer.Context,
    project: ProjectOption,
    release: Which,
    to_stage: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Undo only what was done after this stage.", show_default="everything")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also put back what somebody changed since.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="For so many seconds wait for what comes of it.")] = 10,
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a release changed; shows each field as it is and as it will be, and asks."""
    seen = {} if yes else _asked(context, project, release, to_stage, force=force)
    path = path_of("projects", project, "releases", release)
    with calling(context) as client:
        asked = client.post(f"{path}/rollback", given(to_stage=to_stage, force=force, reason=reason, **seen))
        done = _awaited(client, path, asked, wait)
    print_release(done, as_json=as_json)


def _asked(context: typer.Context, project: str, release: str, to_stage: str | None, *, force: bool) -> dict[str, Any]:
    """Show what would be put back and what would not, and ask; where the release stood then."""
    found = look(context, project, release, Control.ROLLBACK)
    with calling(context) as client:
        preview = client.get(path_of("projects", project, "releases", release, "rollback"), to_stage=to_stage, force=force)
    far = f" to what '{preview['to_stage']}' left" if preview["to_stage"] else ""
    ask(preview_in_words(preview, found["feature"]), f"Roll back '{found['feature']}'{far}?", yes=False)
    return standing(found)


def _awaited(client: ApiClient, path: str, asked: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The release once it is rolled back, or as it is after that time."""
    until = time.monotonic() + seconds
    while asked["status"] == "rolling_back" and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
        asked = client.get(path)
    return asked
