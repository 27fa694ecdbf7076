"""The command for the audit log."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from api.cli.completion import offer_audit_events, offer_keys, offer_releases
from api.cli.filters import EnvironmentOption, FeatureOption, PipelineOption, SinceOption, UntilOption
from api.cli.output import confirm, local_time, show_json, show_table
from api.cli.session import JsonOption, LimitOption, OptionalProjectOption, YesOption, api_client, provided
from api.cli.usage import usage_error
from api.client import first, path_of
from api.embedded.format_event import differences

NDJSON = "application/x-ndjson"
SUBJECTS = ("feature", "segment", "pipeline", "environment", "stage")


def list_audit_entries(
    context: typer.Context,
    project: OptionalProjectOption = None,
    all_projects: Annotated[
        bool,
        typer.Option(
            "--all-projects",
            help="All projects, including deleted ones, and entries without a project. Requires the instance role owner.",
        ),
    ] = False,
    event: Annotated[str | None, typer.Option(help="Only this event, such as flag.changed.", autocompletion=offer_audit_events)] = None,
    owner: Annotated[str | None, typer.Option(help="Only actions of this owner, or of a release on their behalf.")] = None,
    feature: FeatureOption = None,
    environment: EnvironmentOption = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment.", autocompletion=offer_keys("segments"))] = None,
    pipeline: PipelineOption = None,
    release: Annotated[str | None, typer.Option(help="Only this release.", autocompletion=offer_releases)] = None,
    stage: Annotated[str | None, typer.Option(help="Only the stage with this name.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    export: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option("--export", metavar="FILE", help="Write all entries to a file, one JSON document per line (- prints them)."),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List audit log entries, newest first: up to --limit, or all with --export."""
    path = _path(project, all_projects=all_projects)
    filters = provided(event=event, owner=owner, feature=feature, environment=environment, segment=segment, pipeline=pipeline)
    filters |= provided(release=release, stage=stage, since=since, until=until)
    with api_client(context) as client:
        if export:
            _confirm_overwriting(export, yes=yes)
            _write(export, client.stream(path, NDJSON, **filters))
            return
        found = first(limit, client.items(path, **filters))
    if as_json:
        show_json(found)
        return
    subjects = ("project", *SUBJECTS) if all_projects else SUBJECTS
    rows = [[local_time(each["at"]), _actor(each), each["event"], _subject(each, subjects), _details(each)] for each in found]
    show_table(["When", "Who", "Event", "On", "What"], rows)


def _confirm_overwriting(file: BinaryIO, *, yes: bool) -> None:
    if file is not sys.stdout.buffer and Path(file.name).is_file():
        confirm([f"{file.name} already exists."], "Overwrite it?", yes=yes)


def _write(file: BinaryIO, parts: Iterator[bytes]) -> None:
    """Write the export. The file is opened, and an old one truncated, only after the API has responded."""
    for part in parts:
        file.write(part)
    file.flush()


def _path(project: str | None, *, all_projects: bool) -> str:
    if all_projects:
        return path_of("audit")
    if not project:
        raise usage_error("Choose a project with --project or FLAGHOIST_PROJECT, or use --all-projects.")
    return path_of("projects", project, "audit")


def _actor(entry: dict[str, Any]) -> str:
    actor = entry["actor"]
    if actor["kind"] == "release":
        return f"release, for {entry['on_behalf_of']}"
    return str(actor["owner"] or actor["kind"])


def _subject(entry: dict[str, Any], fields: Sequence[str]) -> str:
    return " / ".join(entry[field] for field in fields if entry[field])


def _details(entry: dict[str, Any]) -> str:
    if entry["event"] == "flag.changed":
        return "; ".join(differences(entry["before"] or {}, entry["after"] or {}))
    return str(entry["reason"] or "")
