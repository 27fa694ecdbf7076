"""The command that shows what guardrails and gates have sampled for a release."""

from typing import Annotated, Any

import typer

from api.cli.completion import offer_releases
from api.cli.output import local_time, show, show_json, show_table
from api.cli.session import JsonOption, LimitOption, ProjectOption, api_client
from api.client import path_of

ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id.", autocompletion=offer_releases)]


def list_samples(
    context: typer.Context, project: ProjectOption, release: ReleaseArgument, limit: LimitOption = 10, as_json: JsonOption = False
) -> None:
    """Show the newest samples of each guardrail, metric gate and check of a release."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "releases", release, "samples"), most=min(limit, 1_000))
    if as_json:
        show_json(found)
        return
    for watch in found["watches"]:
        show(f"{watch['name']} in '{watch['stage']}', {watch['environment']}: {_outcome(watch['outcome'])}. {watch['message']}", "bold")
        show(watch["rule"] + (f". Breached at {local_time(watch['breached_at'])}" if watch["breached_at"] else ""))
        show_table(["At", "Value", "Outcome"], [_row(each) for each in watch["samples"]])
    if not found["watches"]:
        show("Nothing was sampled for this release.")


def _row(sample: dict[str, Any]) -> list[str]:
    value = "" if sample["value"] is None else f"{sample['value']:g}"
    return [local_time(sample["at"]), value, _outcome(sample["outcome"])]


def _outcome(outcome: str) -> str:
    return "can't tell" if outcome == "unknown" else outcome
