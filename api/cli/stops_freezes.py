"""The commands for stops and freezes."""

from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.filters import point_in_time
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, local_time, show, show_json, show_response, show_table
from api.cli.session import JsonOption, LimitOption, ProjectOption, YesOption, api_client, provided
from api.client import first, path_of

stops = command_group(
    "Place and lift stops: while one is active, nothing in its scope acts.",
    'flaghoist stops place --reason "checkout is down"',
    "flaghoist stops place -e production --reason incident --until 2026-03-01T18:00",
    "flaghoist stops lift STOP",
)
freezes = command_group(
    "Freezes: named periods in which nothing acts.",
    "flaghoist freezes create Christmas 2026-12-23T18:00 2027-01-04T08:00 --timezone Europe/London",
    "flaghoist freezes list",
)

EFFECT_OF_ENDING = "Stages that became due act at once, unless something else holds them back."


@stops.command("place", rich_help_panel=CHANGE)
def place_stop(
    context: typer.Context,
    project: ProjectOption,
    reason: Annotated[str, typer.Option("--reason", help="The reason.")],
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", help="Only in this environment.", autocompletion=offer_keys("environments")),
    ] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.", autocompletion=offer_keys("pipelines"))] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", parser=point_in_time, help="When it expires.", show_default="never, it must be lifted")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Stop the project, an environment or a pipeline, at once and without confirmation."""
    body = provided(reason=reason, environment=environment, pipeline=pipeline, expires_at=until)
    with api_client(context) as client:
        placed = client.post(path_of("projects", project, "stops"), body)
    show_response(placed, f"Stopped {_scope(placed)}. To lift the stop: flaghoist stops lift {placed['id']} -p {project}", as_json=as_json)


@stops.command("list", rich_help_panel=LOOK)
def list_stops(
    context: typer.Context,
    project: ProjectOption,
    include_ended: Annotated[bool, typer.Option("--all", help="Include stops that were lifted or expired.")] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the active stops, newest first."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "stops"), standing=str(not include_ended).lower()))
    if as_json:
        show_json(found)
        return
    rows = [[each["id"], _scope(each), each["reason"], each["placed_by"], local_time(each["placed_at"]), _end(each)] for each in found]
    show_table(["Stop", "Scope", "Reason", "Placed by", "Placed", "Until"], rows)


@stops.command("lift", rich_help_panel=CHANGE)
def lift_stop(
    context: typer.Context,
    project: ProjectOption,
    stop: Annotated[str, typer.Argument(metavar="STOP", help="The stop's id.")],
    reason: Annotated[str | None, typer.Option("--reason", help="The reason, for the audit log.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Lift a stop: the stages that it held back act. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "stops", stop)
        found, etag = client.get_with_etag(path)
        confirm([f"{found['placed_by']} stopped {_scope(found)}: {found['reason']}", EFFECT_OF_ENDING], "Lift the stop?", yes=yes)
        lifted = client.post(f"{path}/lift", provided(reason=reason), etag)
    show_response(lifted, f"Lifted the stop of {_scope(lifted)}.", as_json=as_json)


@freezes.command("create", rich_help_panel=CHANGE)
def create_freeze(
    context: typer.Context,
    project: ProjectOption,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A display name.")],
    start: Annotated[str, typer.Argument(metavar="START", help="2026-12-23T18:00, local in --timezone, or with an offset.")],
    end: Annotated[str, typer.Argument(metavar="END", help="When it ends, in the same format.")],
    timezone: Annotated[str | None, typer.Option(help="The time zone of times without an offset, such as Europe/London.")] = None,
    environment: Annotated[list[str] | None, typer.Option("--environment", "-e", help="Only in this environment. May be repeated.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="The reason.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze the project, or some of its environments, for a period."""
    body = provided(name=name, starts_at=start, ends_at=end, timezone=timezone, environments=environment or None, reason=reason)
    with api_client(context) as client:
        created = client.post(path_of("projects", project, "freezes"), body)
    period = f"from {local_time(created['starts_at'])} until {local_time(created['ends_at'])}"
    show_response(created, f"'{created['name']}' freezes {_environments(created)} {period}.", as_json=as_json)


@freezes.command("list", rich_help_panel=LOOK)
def list_freezes(context: typer.Context, project: ProjectOption, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List the freezes, newest first."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "freezes")))
    if as_json:
        show_json(found)
        return
    rows = [
        [
            each["id"],
            each["name"],
            _environments(each),
            local_time(each["starts_at"]),
            local_time(each["ends_at"]),
            each["reason"],
        ]
        for each in found
    ]
    show_table(["Freeze", "Name", "Where", "From", "Until", "Reason"], rows)


@freezes.command("delete", rich_help_panel=CHANGE)
def delete_freeze(
    context: typer.Context,
    project: ProjectOption,
    freeze: Annotated[str, typer.Argument(metavar="FREEZE", help="The freeze's id.")],
    yes: YesOption = False,
) -> None:
    """Delete a freeze. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "freezes", freeze)
        found, etag = client.get_with_etag(path)
        confirm([f"'{found['name']}' freezes {_environments(found)}.", EFFECT_OF_ENDING], "Delete the freeze?", yes=yes)
        client.delete(path, etag)
    show("Deleted the freeze.")


def _scope(stop: dict[str, Any]) -> str:
    parts = [f"environment {stop['environment']}"] if stop["environment"] else []
    parts += [f"pipeline {stop['pipeline']}"] if stop["pipeline"] else []
    return " on ".join(parts) or "the project"


def _end(stop: dict[str, Any]) -> str:
    if stop["lifted_at"]:
        return f"lifted {local_time(stop['lifted_at'])} by {stop['lifted_by']}"
    return local_time(stop["expires_at"]) or "lifted"


def _environments(freeze: dict[str, Any]) -> str:
    return ", ".join(freeze["environments"]) or "the project"
