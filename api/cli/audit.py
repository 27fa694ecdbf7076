"""The audit log, from a terminal."""

from typing import Annotated, Any

import typer

from api.cli.completing import offer_events, offer_keys, offer_releases
from api.cli.filters import OnlyEnvironment, OnlyFeature, OnlyPipeline, SinceThen, UntilThen
from api.cli.session import AsJson, Limit, Project, calling, given
from api.cli.showing import moment, show_json, show_table
from api.client import first, path_of
from api.embedded.telling import differences


def list_audit_entries(
    context: typer.Context,
    project: Project,
    event: Annotated[str | None, typer.Option(help="Only this event, such as flag.changed.", autocompletion=offer_events)] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this owner did, or a release on their behalf.")] = None,
    feature: OnlyFeature = None,
    environment: OnlyEnvironment = None,
    segment: Annotated[str | None, typer.Option(help="Only about this segment.", autocompletion=offer_keys("segments"))] = None,
    pipeline: OnlyPipeline = None,
    release: Annotated[str | None, typer.Option(help="Only about this release.", autocompletion=offer_releases)] = None,
    stage: Annotated[str | None, typer.Option(help="Only about the stage of this name.")] = None,
    since: SinceThen = None,
    until: UntilThen = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Everything that anyone or anything did, newest first."""
    filters = given(event=event, owner=owner, feature=feature, environment=environment, segment=segment, pipeline=pipeline)
    filters |= given(release=release, stage=stage, since=since, until=until)
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "audit"), **filters))
    if as_json:
        show_json(found)
        return
    rows = [[moment(each["at"]), _who(each), each["event"], _where(each), _what(each)] for each in found]
    show_table(["When", "Who", "Event", "On", "What"], rows)


def _who(entry: dict[str, Any]) -> str:
    actor = entry["actor"]
    if actor["kind"] == "release":
        return f"release, for {entry['on_behalf_of']}"
    return str(actor["owner"] or actor["kind"])


def _where(entry: dict[str, Any]) -> str:
    return " / ".join(entry[field] for field in ("feature", "segment", "pipeline", "environment", "stage") if entry[field])


def _what(entry: dict[str, Any]) -> str:
    if entry["event"] == "flag.changed":
        return "; ".join(differences(entry["before"] or {}, entry["after"] or {}))
    return str(entry["reason"] or "")
