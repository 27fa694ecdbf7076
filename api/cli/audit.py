"""The audit log, from a terminal."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from api.cli.completion import offer_events, offer_keys, offer_releases
from api.cli.filters import OnlyEnvironment, OnlyFeature, OnlyPipeline, SinceThen, UntilThen
from api.cli.output import ask, moment, show_json, show_table
from api.cli.session import AProject, AsJson, Limit, Yes, calling, given, wrong_usage
from api.client import first, path_of
from api.embedded.format_event import differences

NDJSON = "application/x-ndjson"
PLACES = ("feature", "segment", "pipeline", "environment", "stage")


def list_audit_entries(
    context: typer.Context,
    project: AProject = None,
    all_projects: Annotated[
        bool, typer.Option("--all-projects", help="Of all projects, deleted ones and none; this needs the instance role owner.")
    ] = False,
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
    export: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option("--export", metavar="FILE", help="Write all of it into a file (- prints it), one JSON document a line."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Everything that anyone or anything did, newest first; as much as --limit says, or all of it with --export."""
    path = _path(project, all_projects=all_projects)
    filters = given(event=event, owner=owner, feature=feature, environment=environment, segment=segment, pipeline=pipeline)
    filters |= given(release=release, stage=stage, since=since, until=until)
    with calling(context) as client:
        if export:
            _ask_before_overwriting(export, yes=yes)
            _write(export, client.stream(path, NDJSON, **filters))
            return
        found = first(limit, client.items(path, **filters))
    if as_json:
        show_json(found)
        return
    places = ("project", *PLACES) if all_projects else PLACES
    rows = [[moment(each["at"]), _who(each), each["event"], _where(each, places), _what(each)] for each in found]
    show_table(["When", "Who", "Event", "On", "What"], rows)


def _ask_before_overwriting(file: BinaryIO, *, yes: bool) -> None:
    if file is not sys.stdout.buffer and Path(file.name).is_file():
        ask([f"{file.name} is there already."], "Overwrite it?", yes=yes)


def _write(file: BinaryIO, parts: Iterator[bytes]) -> None:
    """Nothing is opened, and nothing overwritten, before the API has answered."""
    for part in parts:
        file.write(part)
    file.flush()


def _path(project: str | None, *, all_projects: bool) -> str:
    if all_projects:
        return path_of("audit")
    if not project:
        raise wrong_usage("Say which project: --project or FLAGHOIST_PROJECT; or --all-projects.")
    return path_of("projects", project, "audit")


def _who(entry: dict[str, Any]) -> str:
    actor = entry["actor"]
    if actor["kind"] == "release":
        return f"release, for {entry['on_behalf_of']}"
    return str(actor["owner"] or actor["kind"])


def _where(entry: dict[str, Any], places: Sequence[str]) -> str:
    return " / ".join(entry[field] for field in places if entry[field])


def _what(entry: dict[str, Any]) -> str:
    if entry["event"] == "flag.changed":
        return "; ".join(differences(entry["before"] or {}, entry["after"] or {}))
    return str(entry["reason"] or "")
