"""The commands for pipelines."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.lazy import LazyModule
from api.cli.output import confirm, local_time, show, show_json, show_response, show_table
from api.cli.parameters import parse_pairs
from api.cli.session import JsonOption, LimitOption, ProjectOption, YesOption, api_client, provided
from api.cli.usage import usage_error
from api.client import ApiClient, first, path_of
from domain.releases.status import status_in_words

if TYPE_CHECKING:
    from api.cli import documents
    from domain.pipelines import pipeline as pipelines
else:
    documents, pipelines = LazyModule("api.cli.documents"), LazyModule("domain.pipelines.pipeline")

app = command_group(
    "Pipelines: drafted, published and from then on immutable, cloned, archived.",
    "flaghoist pipelines create web-app.yaml",
    "flaghoist pipelines publish web-app",
    "flaghoist pipelines clone web-app",
    "flaghoist pipelines export web-app > web-app.yaml",
    "flaghoist pipelines replace web-app web-app.yaml",
)

PipelineArgument = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="A pipeline's key, or the id of one version.", autocompletion=offer_keys("pipelines"))
]
DraftArgument = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="A pipeline's key, or the id of its draft.", autocompletion=offer_keys("pipelines"))
]
_FILE = typer.Argument(metavar="FILE", help="A definition in JSON or YAML. - reads standard input.", allow_dash=True)
FileArgument = Annotated[Path, _FILE]
OptionalFileArgument = Annotated[Path | None, _FILE]


@app.command("list", rich_help_panel=LOOK)
def list_pipelines(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List every version, newest first, with the number of its releases by status."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "pipelines")))
    if as_json:
        show_json(found)
        return
    rows = [
        [each["key"], each["version"], each["status"], each["name"], _counts(each), local_time(each["published_at"]), each["id"]]
        for each in found
    ]
    show_table(["Key", "Version", "Status", "Name", "Releases", "Published", "Id"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_pipeline(context: typer.Context, project: ProjectOption, pipeline: PipelineArgument, as_json: JsonOption = False) -> None:
    """Show one version: its stages, and the flags in each."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "pipelines", pipeline))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("export", rich_help_panel=LOOK)
def export_pipeline(context: typer.Context, project: ProjectOption, pipeline: PipelineArgument, as_json: JsonOption = False) -> None:
    """Print a definition in YAML (or JSON), to edit and pass to `replace`. A key means its draft, if there is one."""
    with api_client(context) as client:
        found, _ = _draft(client, project, pipeline)
    documents.show_document({field: found[field] for field in pipelines.PipelineDefinition.model_fields if field in found}, as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_pipeline(
    context: typer.Context,
    project: ProjectOption,
    file: OptionalFileArgument = None,
    template: Annotated[str | None, typer.Option(help="A template to use instead of a file. `flaghoist templates` lists them.")] = None,
    key: Annotated[str | None, typer.Option(help="With --template: the pipeline's key.", show_default="the template's")] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="With --template: map an environment of the template to yours. May be repeated."),
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="With --template: map a segment of the template to yours. May be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a new pipeline from a file or a template."""
    renamed = {"environments": parse_pairs(environment, "--environment"), "segments": parse_pairs(segment, "--segment")}
    if (file is None) == (template is None):
        raise usage_error("Give either a file or --template.")
    if file and (key or any(renamed.values())):
        raise usage_error("--key, --environment and --segment require --template. With a file, set them in the file.")
    definition = documents.read_document(file) if file else provided(template=template, key=key) | renamed
    with api_client(context) as client:
        draft = client.post(path_of("projects", project, "pipelines"), definition)
    _show_draft(project, draft, as_json=as_json)


@app.command("replace", rich_help_panel=CHANGE)
def replace_pipeline(
    context: typer.Context, project: ProjectOption, pipeline: DraftArgument, file: FileArgument, as_json: JsonOption = False
) -> None:
    """Replace a draft with the definition in a file."""
    definition = documents.read_document(file)
    with api_client(context) as client:
        draft, etag = _draft(client, project, pipeline)
        replaced = client.put(path_of("projects", project, "pipelines", draft["id"]), definition, etag)
    _show_draft(project, replaced, as_json=as_json)


@app.command("publish", rich_help_panel=CHANGE)
def publish_pipeline(
    context: typer.Context, project: ProjectOption, pipeline: DraftArgument, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Publish a draft. A published version can't be changed. Asks for confirmation."""
    with api_client(context) as client:
        draft, etag = _draft(client, project, pipeline)
        warnings = [f"Warning: {each['message']}" for each in draft["warnings"]]
        confirm([*_effect(draft), *warnings], f"Permanently publish '{draft['key']}' version {draft['version']}?", yes=yes)
        published = client.post(path_of("projects", project, "pipelines", draft["id"], "publish"), etag=etag)
    show_response(published, f"Published '{published['key']}' version {published['version']}.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_pipeline(context: typer.Context, project: ProjectOption, pipeline: DraftArgument, yes: YesOption = False) -> None:
    """Delete a draft. Asks for confirmation."""
    with api_client(context) as client:
        draft, etag = _draft(client, project, pipeline)
        confirm(_effect(draft), f"Delete '{draft['key']}' version {draft['version']}?", yes=yes)
        client.delete(path_of("projects", project, "pipelines", draft["id"]), etag)
    show(f"Deleted '{draft['key']}' version {draft['version']}.")


@app.command("clone", rich_help_panel=CHANGE)
def clone_pipeline(
    context: typer.Context,
    project: ProjectOption,
    pipeline: PipelineArgument,
    key: Annotated[str | None, typer.Option(help="A new key.", show_default="the next version of the same key")] = None,
    name: Annotated[str | None, typer.Option(help="A new name.", show_default="the same name")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a copy: the next version of the same key, or a new pipeline. Releases stay on their version."""
    with api_client(context) as client:
        draft = client.post(path_of("projects", project, "pipelines", pipeline, "clone"), provided(key=key, name=name))
    _show_draft(project, draft, as_json=as_json)


@app.command("archive", rich_help_panel=CHANGE)
def archive_pipeline(
    context: typer.Context, project: ProjectOption, pipeline: PipelineArgument, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Archive a key with all its versions: it accepts no new releases, and unfinished ones continue. Asks for confirmation."""
    with api_client(context) as client:
        found, etag = client.get_with_etag(path_of("projects", project, "pipelines", pipeline))
        effect = [f"No version of '{found['key']}' will accept new releases. Unfinished releases continue."]
        confirm(effect, f"Permanently archive '{found['key']}'?", yes=yes)
        archived = client.post(path_of("projects", project, "pipelines", found["id"], "archive"), etag=etag)
    show_response(archived, f"Archived '{archived['key']}'.", as_json=as_json)


def stage_in_words(stage: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return a stage's name and environment, when it acts, and what it does."""
    parsed = pipelines.Stage.model_validate(stage)
    return parsed.name, parsed.environment, parsed.trigger.in_words(), parsed.in_words()


def _effect(pipeline: dict[str, Any]) -> list[str]:
    lines = [f"{name} ({environment}), {when}: {what}" for name, environment, when, what in map(stage_in_words, pipeline["stages"])]
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def _draft(client: ApiClient, project: str, pipeline: str) -> tuple[Any, str | None]:
    """Return a version and its ETag: the one with this id, or this key's draft, or its newest published version if it has no draft."""
    path = path_of("projects", project, "pipelines")
    found, etag = client.get_with_etag(path + path_of(pipeline))
    if found["status"] == "draft" or found["id"] == pipeline:
        return found, etag
    drafts = (each["id"] for each in client.items(path) if _is_draft_of(each, pipeline))
    return client.get_with_etag(path + path_of(next(drafts, found["id"])))


def _is_draft_of(version: dict[str, Any], key: str) -> bool:
    return bool(version["key"] == key and version["status"] == "draft")


def _show_draft(project: str, draft: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(draft)
        return
    show(f"Drafted '{draft['key']}' version {draft['version']} ({draft['id']}).")
    show(f"To publish it: flaghoist pipelines publish {draft['key']} -p {project}")
    _show_warnings(draft)


def _show(pipeline: dict[str, Any]) -> None:
    show(f"{pipeline['name']} ({pipeline['key']}), version {pipeline['version']}, {pipeline['status']}", "bold")
    for name, declared in pipeline["parameters"].items():
        default = f", default {json.dumps(declared['default'], ensure_ascii=False)}" if "default" in declared else ""
        show(f"Parameter {name} ({declared['type']}{default}): {declared['description']}".rstrip(": "))
    rows = [
        [*stage_in_words(stage), _features(flags["flags"], flags["count"]) or "–"]
        for stage, flags in zip(pipeline["stages"], pipeline["flags"], strict=True)
    ]
    show_table(["Stage", "Environment", "When", "What", "Flags"], rows)
    if pipeline["completed_count"]:
        show(f"Completed in the last 30 days: {_features(pipeline['completed'], pipeline['completed_count'])}")
    _show_warnings(pipeline)


def _features(flags: list[dict[str, Any]], count: int) -> str:
    """List the features in the response, and the number of those that it leaves out."""
    more = f", and {count - len(flags)} more" if count > len(flags) else ""
    return ", ".join(flag["feature"] for flag in flags) + more


def _show_warnings(pipeline: dict[str, Any]) -> None:
    for warning in pipeline["warnings"]:
        show(f"Warning: {warning['message']} ({warning['pointer']})", "yellow")


def _counts(pipeline: dict[str, Any]) -> str:
    return ", ".join(f"{count} {status_in_words(status)}" for status, count in pipeline["releases"].items())
