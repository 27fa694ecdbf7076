"""The commands for simulations and templates."""

from datetime import datetime
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.filters import point_in_time
from api.cli.output import show, show_json, show_table
from api.cli.parameters import ParameterOption, parse_parameters
from api.cli.pipelines import PipelineArgument, stage_in_words
from api.cli.session import JsonOption, ProjectOption, api_client, provided
from api.cli.usage import REFUSED
from api.client import path_of


def simulate_pipeline(
    context: typer.Context,
    project: ProjectOption,
    pipeline: PipelineArgument,
    feature: Annotated[str | None, typer.Option(help="The flag to add.", autocompletion=offer_keys("features"))] = None,
    stage: Annotated[str | None, typer.Option(help="The stage to start at.", show_default="the first")] = None,
    parameter: ParameterOption = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", parser=point_in_time, help="When the flag would be added.", show_default="now")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="The time zone of the result, such as Europe/London.", show_default="UTC")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show when each stage would act, and any obstacles. Changes nothing. Exit code 1 if there are obstacles."""
    with api_client(context) as client:
        path = path_of("projects", project, "pipelines", pipeline)
        parameters = parse_parameters(client.get(path), parameter)
        body = provided(feature=feature, starting_stage=stage, starts_at=at, timezone=timezone) | {"parameters": parameters}
        result = client.post(f"{path}/simulate", body)
    if as_json:
        show_json(result)
    else:
        _show(result)
    if result["obstacles"]:
        raise typer.Exit(REFUSED)


def list_templates(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the pipeline templates. `flaghoist pipelines create --template NAME` drafts a pipeline from one."""
    with api_client(context) as client:
        found = client.get("/templates")["items"]
    if as_json:
        show_json(found)
        return
    for template in found:
        show(f"{template['key']}: {template['description']}", "bold")
        for name, declared in template["parameters"].items():
            show(f"Parameter {name} ({declared['type']}): {declared['description']}.")
        show_table(["Stage", "Environment", "When", "What"], [stage_in_words(stage) for stage in template["stages"]])
        show()


def _show(result: dict[str, Any]) -> None:
    start = f"from {_time(result['starts_at'])}, in {result['timezone']}"
    show(f"{result['pipeline']} version {result['version']} ({result['status']}), {start}:")
    show_table(["Stage", "Environment", "Acts at", "What"], [row for stage in result["stages"] for row in _rows(stage)])
    show(f"Completed at {_time(result['ends_at'])}." if result["ends_at"] else "The completion time is unknown: a time is missing.")
    for obstacle in result["obstacles"]:
        show(f"Obstacle: {obstacle['message']}", "yellow")


def _rows(stage: dict[str, Any]) -> list[list[str]]:
    when = "not run" if stage["outcome"] == "not_run" else _time(stage["acts_at"]) or "unknown"
    rows = [[stage["name"], stage["environment"], when, stage["does"]]]
    rows += [["", "", _time(step["acts_at"]), f"{step['percent']}%"] for step in stage["steps"] or ()]
    rows += [["", "", "", f"Watched by {guardrail}"] for guardrail in stage["watched_by"]]
    return rows + ([["", "", "", stage["note"]]] if stage["note"] else [])


def _time(timestamp: str | None) -> str:
    """Format a timestamp in its own time zone."""
    return f"{datetime.fromisoformat(timestamp):%a %Y-%m-%d %H:%M:%S %z}" if timestamp else ""
