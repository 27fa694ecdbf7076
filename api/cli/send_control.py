"""The parts that all controls of a release share: read the release, and send the control."""

from typing import Annotated, Any

import typer

from api.cli.output import show_error
from api.cli.releases import print_release
from api.cli.session import api_client, provided
from api.cli.usage import REFUSED
from api.client import path_of
from domain.releases.control import Control, not_allowed_in_words

ReasonOption = Annotated[str | None, typer.Option("--reason", help="The reason, for the audit log.")]


def read_release(context: typer.Context, project: str, release: str, control: Control) -> dict[str, Any]:
    """Return the release. End the command with exit code 1 if the control is not allowed now, before anyone is asked to confirm it."""
    with api_client(context) as client:
        found: dict[str, Any] = client.get(path_of("projects", project, "releases", release))
    if control not in found["allowed"]:
        show_error(not_allowed_in_words(control, found["status"], found["allowed"]))
        raise typer.Exit(REFUSED)
    return found


def expected_position(release: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that make the API refuse a control if the release has moved since it was read."""
    return {"expected_stage": release["stage"], "expected_visit": release["visit"], "expected_step": release["step"]}


def send_control(context: typer.Context, project: str, release: str, control: str, *, as_json: bool, **body: Any) -> None:
    """Send a control and print the resulting release."""
    with api_client(context) as client:
        result = client.post(path_of("projects", project, "releases", release, control), provided(**body))
    print_release(result, as_json=as_json)
