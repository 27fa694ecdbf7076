"""Stops and freezes, from a terminal."""

from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.filters import point_in_time
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, moment, show, show_answer, show_json, show_table
from api.cli.session import AsJson, Limit, ProjectOption, Yes, calling, given
from api.client import first, path_of

stops = typer.Typer(
    help=with_examples(
        "Stop the line: nothing in the scope of a stop acts while it stands.",
        'flaghoist stops place --reason "checkout is down"',
        "flaghoist stops place -e production --reason incident --until 2026-03-01T18:00",
        "flaghoist stops lift STOP",
    ),
    no_args_is_help=True,
    cls=InPanels,
)
freezes = typer.Typer(
    help=with_examples(
        "Freezes: named periods in which nothing acts.",
        "flaghoist freezes create Christmas 2026-12-23T18:00 2027-01-04T08:00 --timezone Europe/London",
        "flaghoist freezes list",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Scope = Annotated[str | None, typer.Option("--environment", "-e", help="Only there.", autocompletion=offer_keys("environments"))]


@stops.command("place", rich_help_panel=CHANGE)
def place_stop(
    context: typer.Context,
    project: ProjectOption,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    environment: Scope = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this one.", autocompletion=offer_keys("pipelines"))] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", parser=point_in_time, help="When it expires.", show_default="when it is lifted")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Stop the project, an environment or a pipeline, at once and without asking."""
    body = given(reason=reason, environment=environment, pipeline=pipeline, expires_at=until)
    with calling(context) as client:
        made = client.post(path_of("projects", project, "stops"), body)
    show_answer(made, f"Stopped {_scope(made)}. Lift it: flaghoist stops lift {made['id']} -p {project}", as_json=as_json)


@stops.command("list", rich_help_panel=LOOK)
def list_stops(
    context: typer.Context,
    project: ProjectOption,
    every: Annotated[bool, typer.Option("--all", help="Also those that stand no more.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Stops that stand, newest first."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "stops"), standing=str(not every).lower()))
    if as_json:
        show_json(found)
        return
    rows = [[each["id"], _scope(each), each["reason"], each["placed_by"], moment(each["placed_at"]), _end(each)] for each in found]
    show_table(["Stop", "Scope", "Reason", "Placed by", "Placed", "Stands until"], rows)


@stops.command("lift", rich_help_panel=CHANGE)
def lift_stop(
    context: typer.Context,
    project: ProjectOption,
    stop: Annotated[str, typer.Argument(metavar="STOP", help="Its id.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit log.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Lift a stop, so that what it held acts; asks first."""
    with calling(context) as client:
        ask(["What came due meanwhile acts at once, if nothing else holds it."], "Lift the stop?", yes=yes)
        lifted = client.post(path_of("projects", project, "stops", stop, "lift"), given(reason=reason))
    show_answer(lifted, f"Lifted the stop of {_scope(lifted)}.", as_json=as_json)


@freezes.command("create", rich_help_panel=CHANGE)
def create_freeze(
    context: typer.Context,
    project: ProjectOption,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    start: Annotated[str, typer.Argument(metavar="START", help="2026-12-23T18:00, local in --timezone, or with an offset.")],
    end: Annotated[str, typer.Argument(metavar="END", help="When it is over, written the same way.")],
    timezone: Annotated[str | None, typer.Option(help="The zone of times without an offset, such as Europe/London.")] = None,
    environment: Annotated[list[str] | None, typer.Option("--environment", "-e", help="Only there. May be repeated.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    as_json: AsJson = False,
) -> None:
    """Freeze the project, or some environments, for a time."""
    body = given(name=name, starts_at=start, ends_at=end, timezone=timezone, environments=environment or None, reason=reason)
    with calling(context) as client:
        made = client.post(path_of("projects", project, "freezes"), body)
    line = f"'{made['name']}' freezes {_where(made)} from {moment(made['starts_at'])} until {moment(made['ends_at'])} UTC."
    show_answer(made, line, as_json=as_json)


@freezes.command("list", rich_help_panel=LOOK)
def list_freezes(context: typer.Context, project: ProjectOption, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Freezes, newest first."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "freezes")))
    if as_json:
        show_json(found)
        return
    rows = [[each["id"], each["name"], _where(each), moment(each["starts_at"]), moment(each["ends_at"]), each["reason"]] for each in found]
    show_table(["Freeze", "Name", "Where", "From", "Until", "Reason"], rows)


@freezes.command("delete", rich_help_panel=CHANGE)
def delete_freeze(
    context: typer.Context,
    project: ProjectOption,
    freeze: Annotated[str, typer.Argument(metavar="FREEZE", help="Its id.")],
    yes: Yes = False,
) -> None:
    """Take a freeze away; asks first."""
    with calling(context) as client:
        ask(["What came due meanwhile acts at once, if nothing else holds it."], "Delete the freeze?", yes=yes)
        client.delete(path_of("projects", project, "freezes", freeze))
    show("Deleted the freeze.")


def _scope(stop: dict[str, Any]) -> str:
    parts = [f"environment {stop['environment']}"] if stop["environment"] else []
    parts += [f"pipeline {stop['pipeline']}"] if stop["pipeline"] else []
    return " on ".join(parts) or "the project"


def _end(stop: dict[str, Any]) -> str:
    if stop["lifted_at"]:
        return f"lifted {moment(stop['lifted_at'])} by {stop['lifted_by']}"
    return moment(stop["expires_at"]) or "lifted"


def _where(freeze: dict[str, Any]) -> str:
    return ", ".join(freeze["environments"]) or "the project"
