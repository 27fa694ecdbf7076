"""What every control of a release does in a terminal: look, and send."""

from typing import Annotated, Any

import typer

from api.cli.output import show_error
from api.cli.releases import print_release
from api.cli.session import REFUSED, calling, given
from api.client import path_of
from domain.releases.control import Control, not_allowed_in_words

Why = Annotated[str | None, typer.Option("--reason", help="Why, for the audit log.")]


def look(context: typer.Context, project: str, release: str, control: Control) -> dict[str, Any]:
    """The release, for whoever is to be asked; nobody is asked about what would be refused."""
    with calling(context) as client:
        found: dict[str, Any] = client.get(path_of("projects", project, "releases", release))
    if control not in found["allowed"]:
        show_error(not_allowed_in_words(control, found["status"], found["allowed"]))
        raise typer.Exit(REFUSED)
    return found


def standing(release: dict[str, Any]) -> dict[str, Any]:
    """Where the release was seen, as what is sent names it."""
    return {"expected_stage": release["stage"], "expected_visit": release["visit"]}


def send_control(context: typer.Context, project: str, release: str, control: str, *, as_json: bool, **body: Any) -> None:
    """Send a control, and show the release as it is then."""
    with calling(context) as client:
        steered = client.post(path_of("projects", project, "releases", release, control), given(**body))
    print_release(steered, as_json=as_json)
