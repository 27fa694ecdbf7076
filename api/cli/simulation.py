"""Simulations and templates, from a terminal."""

from datetime import datetime
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.filters import point_in_time
from api.cli.output import show, show_json, show_table
from api.cli.parameters import ParametersGiven, parameters_of
from api.cli.pipelines import Which, stage_in_words
from api.cli.session import REFUSED, AsJson, ProjectOption, calling, given
from api.client import path_of


def simulate_pipeline(
    context: typer.Context,
    project: ProjectOption,
    pipeline: Which,
    feature: Annotated[str | None, typer.Option(help="The flag that is to be added.", autocompletion=offer_keys("features"))] = None,
    stage: Annotated[str | None, typer.Option(help="The stage to start at.", show_default="the first")] = None,
    parameter: ParametersGiven = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", parser=point_in_time, help="When the flag would be added.", show_default="now")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="The zone of the answer, such as Europe/London.", show_default="UTC")] = None,
    as_json: AsJson = False,
) -> None:
    """When each stage would act, and what stands in the way; nothing is changed. Exit code 1 if something does."""
    with calling(context) as client:
        path = path_of("projects", project, "pipelines", pipeline)
        parameters = parameters_of(client.get(path), parameter)
        body = given(feature=feature, starting_stage=stage, starts_at=at, timezone=timezone) | {"parameters": parameters}
        found = client.post(f"{path}/simulate", body)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found["obstacles"]:
        raise typer.Exit(REFUSED)


def list_templates(context: typer.Context, as_json: AsJson = False) -> None:
    """The classic pipelines, to begin with: `flaghoist pipelines create --template NAME` drafts one."""
    with calling(context) as client:
        found = client.get("/templates")["items"]
    if as_json:
        show_json(found)
        return
    for template in found:
        show(f"{template['key']}: {template['description']}", "bold")
        for name, declared in template["parameters"].items():
            show(f"It asks for {name} ({declared['type']}): {declared['description']}.")
        show_table(["Stage", "Environment", "When", "What"], [stage_in_words(stage) for stage in template["stages"]])
        show()


def _show(found: dict[str, Any]) -> None:
    show(f"{found['pipeline']} version {found['version']} ({found['status']}), from {_moment(found['starts_at'])}, in {found['timezone']}:")
    show_table(["Stage", "Environment", "Acts at", "What"], [row for stage in found["stages"] for row in _rows(stage)])
    show(f"Done at {_moment(found['ends_at'])}." if found["ends_at"] else "When it is done is not known: a time is missing.")
    for obstacle in found["obstacles"]:
        show(f"In the way: {obstacle['message']}", "yellow")


def _rows(stage: dict[str, Any]) -> list[list[str]]:
    when = "not run" if stage["outcome"] == "not_run" else _moment(stage["acts_at"]) or "not known"
    rows = [[stage["name"], stage["environment"], when, stage["does"]]]
    rows += [["", "", _moment(step["acts_at"]), f"{step['percent']} %"] for step in stage["steps"] or ()]
    return rows + ([["", "", "", stage["note"]]] if stage["note"] else [])


def _moment(text: str | None) -> str:
    """A point in time, in the zone that it came in."""
    return f"{datetime.fromisoformat(text):%a %Y-%m-%d %H:%M:%S %z}" if text else ""
