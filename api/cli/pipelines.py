"""Pipelines, from a terminal."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.session import USAGE, AsJson, Limit, Project, Yes, calling
from api.cli.showing import ask, moment, show, show_error, show_json, show_table
from api.client import ApiClient, first, path_of
from domain.action import patch_in_words
from domain.pipeline import Stage
from domain.trigger import trigger_in_words

app = typer.Typer(help="Pipelines: drafted, published, from then on immutable, cloned and archived.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="PIPELINE", help="Its key, or the id of one version.")]


@app.command("list")
def list_pipelines(context: typer.Context, project: Project, as_json: AsJson = False, limit: Limit = 50) -> None:
    """Every version, newest first, with how many releases are on it by status."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "pipelines")))
    if as_json:
        show_json(found)
        return
    rows = [
        [each["key"], each["version"], each["status"], each["name"], _counts(each), moment(each["published_at"]), each["id"]]
        for each in found
    ]
    show_table(["Key", "Version", "Status", "Name", "Releases", "Published", "Id"], rows)


@app.command("show")
def show_pipeline(context: typer.Context, project: Project, pipeline: Which, as_json: AsJson = False) -> None:
    """One version: its stages, and the flags in each."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "pipelines", pipeline))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("create")
def create_pipeline(
    context: typer.Context,
    project: Project,
    file: Annotated[Path, typer.Argument(help="A definition in JSON; - reads standard input.", allow_dash=True)],
    as_json: AsJson = False,
) -> None:
    """Draft a new pipeline from a file."""
    definition = _read(file)
    with calling(context) as client:
        made = client.post(path_of("projects", project, "pipelines"), definition)
    _show_drafted(project, made, as_json=as_json)


@app.command("publish")
def publish_pipeline(context: typer.Context, project: Project, pipeline: Which, yes: Yes = False, as_json: AsJson = False) -> None:
    """Publish a draft, which never changes again."""
    with calling(context) as client:
        draft, etag = _draft(client, project, pipeline)
        warnings = [f"Warning: {each['message']}" for each in draft["warnings"]]
        ask([*_effect(draft), *warnings], f"Publish '{draft['key']}' version {draft['version']}, for good?", yes=yes)
        published = client.post(path_of("projects", project, "pipelines", draft["id"], "publish"), etag=etag)
    if as_json:
        show_json(published)
    else:
        show(f"Published '{published['key']}' version {published['version']}.")


@app.command("delete")
def delete_pipeline(context: typer.Context, project: Project, pipeline: Which, yes: Yes = False) -> None:
    """Throw a draft away."""
    with calling(context) as client:
        draft, etag = _draft(client, project, pipeline)
        ask(_effect(draft), f"Throw '{draft['key']}' version {draft['version']} away?", yes=yes)
        client.delete(path_of("projects", project, "pipelines", draft["id"]), etag)
    show(f"Deleted '{draft['key']}' version {draft['version']}.")


@app.command("clone")
def clone_pipeline(
    context: typer.Context,
    project: Project,
    pipeline: Which,
    key: Annotated[str | None, typer.Option(help="A new key. [default: the next version of its own]")] = None,
    name: Annotated[str | None, typer.Option(help="A new name. [default: its own]")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a copy: the next version of its key, or a new pipeline. Releases stay on the version they are on."""
    body = {field: value for field, value in {"key": key, "name": name}.items() if value is not None}
    with calling(context) as client:
        made = client.post(path_of("projects", project, "pipelines", pipeline, "clone"), body)
    _show_drafted(project, made, as_json=as_json)


@app.command("archive")
def archive_pipeline(context: typer.Context, project: Project, pipeline: Which, yes: Yes = False, as_json: AsJson = False) -> None:
    """Archive a key with all its versions: it takes no new releases, and those under way go on."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "pipelines", pipeline))
        effect = [f"No version of '{found['key']}' takes new releases from then on. Those under way go on."]
        ask(effect, f"Archive '{found['key']}', for good?", yes=yes)
        archived = client.post(path_of("projects", project, "pipelines", found["id"], "archive"))
    if as_json:
        show_json(archived)
    else:
        show(f"Archived '{archived['key']}'.")


def stage_in_words(stage: dict[str, Any]) -> tuple[str, str, str, str]:
    """A stage's name and environment, when it acts, and what it does."""
    read = Stage.model_validate(stage)
    return read.name, read.environment, trigger_in_words(read.trigger), "hold" if read.is_hold else patch_in_words(read.patch)


def _effect(pipeline: dict[str, Any]) -> list[str]:
    lines = [f"{name} ({environment}), {when}: {what}" for name, environment, when, what in map(stage_in_words, pipeline["stages"])]
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def _draft(client: ApiClient, project: str, pipeline: str) -> tuple[Any, str | None]:
    """What was named, with its ETag; where a key was named, its draft if it has one."""
    pipelines = path_of("projects", project, "pipelines")
    found, etag = client.get_with_etag(pipelines + path_of(pipeline))
    if found["status"] == "draft" or found["id"] == pipeline:
        return found, etag
    drafts = (each["id"] for each in client.items(pipelines) if _is_draft_of(each, pipeline))
    return client.get_with_etag(pipelines + path_of(next(drafts, found["id"])))


def _is_draft_of(version: dict[str, Any], key: str) -> bool:
    return bool(version["key"] == key and version["status"] == "draft")


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except OSError as error:
        show_error(f"{file} can't be read: {error.strerror}.")
        raise typer.Exit(USAGE) from error
    except (ValueError, RecursionError) as error:
        show_error(f"{file} is not a JSON document: {error}")
        raise typer.Exit(USAGE) from error


def _show_drafted(project: str, made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(made)
        return
    show(f"Drafted '{made['key']}' version {made['version']} ({made['id']}).")
    show(f"Publish it: flaghoist pipelines publish {made['key']} -p {project}")
    _show_warnings(made)


def _show(pipeline: dict[str, Any]) -> None:
    show(f"{pipeline['name']} ({pipeline['key']}), version {pipeline['version']}, {pipeline['status']}", "bold")
    rows = [
        [*stage_in_words(stage), ", ".join(flag["feature"] for flag in flags["flags"]) or "–"]
        for stage, flags in zip(pipeline["stages"], pipeline["flags"], strict=True)
    ]
    show_table(["Stage", "Environment", "When", "What", "Flags"], rows)
    _show_warnings(pipeline)


def _show_warnings(pipeline: dict[str, Any]) -> None:
    for warning in pipeline["warnings"]:
        show(f"Warning: {warning['message']} ({warning['pointer']})", "yellow")


def _counts(pipeline: dict[str, Any]) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in pipeline["releases"].items())
