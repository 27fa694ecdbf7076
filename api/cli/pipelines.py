"""Pipelines, from a terminal."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.documents import read_document, show_document
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, moment, show, show_answer, show_json, show_table
from api.cli.parameters import pairs
from api.cli.session import AsJson, Limit, ProjectOption, Yes, calling, given, wrong_usage
from api.client import ApiClient, first, path_of
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.status import status_in_words

app = typer.Typer(
    help=with_examples(
        "Pipelines: drafted, published, from then on immutable, cloned and archived.",
        "flaghoist pipelines create web-app.yaml",
        "flaghoist pipelines publish web-app",
        "flaghoist pipelines clone web-app",
        "flaghoist pipelines export web-app > web-app.yaml",
        "flaghoist pipelines replace web-app web-app.yaml",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="Its key, or the id of one version.", autocompletion=offer_keys("pipelines"))
]
DraftOf = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="Its key, or the id of its draft.", autocompletion=offer_keys("pipelines"))
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A definition in JSON or YAML; - reads standard input.", allow_dash=True)]


@app.command("list", rich_help_panel=LOOK)
def list_pipelines(context: typer.Context, project: ProjectOption, as_json: AsJson = False, limit: Limit = 50) -> None:
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


@app.command("show", rich_help_panel=LOOK)
def show_pipeline(context: typer.Context, project: ProjectOption, pipeline: Which, as_json: AsJson = False) -> None:
    """One version: its stages, and the flags in each."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "pipelines", pipeline))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("export", rich_help_panel=LOOK)
def export_pipeline(context: typer.Context, project: ProjectOption, pipeline: Which, as_json: AsJson = False) -> None:
    """Print a definition in YAML (or JSON), to be edited and given to `replace`: by a key that of its draft, if it has one."""
    with calling(context) as client:
        found, _ = _draft(client, project, pipeline)
    show_document({field: found[field] for field in PipelineDefinition.model_fields}, as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_pipeline(
    context: typer.Context,
    project: ProjectOption,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A definition in JSON or YAML; - reads standard input.", allow_dash=True)
    ] = None,
    template: Annotated[str | None, typer.Option(help="Instead of a file: a template, of those that `templates` lists.")] = None,
    key: Annotated[str | None, typer.Option(help="With --template: the pipeline's key.", show_default="the template's")] = None,
    environment: Annotated[
        list[str] | None, typer.Option(metavar="THEIRS=OURS", help="With --template: an environment's key here. May be repeated.")
    ] = None,
    segment: Annotated[
        list[str] | None, typer.Option(metavar="THEIRS=OURS", help="With --template: a segment's key here. May be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a new pipeline from a file, or from a template."""
    renamed = {"environments": pairs(environment, "--environment"), "segments": pairs(segment, "--segment")}
    if (file is None) == (template is None):
        raise wrong_usage("Name either a file or a --template.")
    if file and (key or any(renamed.values())):
        raise wrong_usage("--key, --environment and --segment go with --template: in a file, write them there.")
    definition = read_document(file) if file else given(template=template, key=key) | renamed
    with calling(context) as client:
        made = client.post(path_of("projects", project, "pipelines"), definition)
    _show_drafted(project, made, as_json=as_json)


@app.command("replace", rich_help_panel=CHANGE)
def replace_pipeline(context: typer.Context, project: ProjectOption, pipeline: DraftOf, file: File, as_json: AsJson = False) -> None:
    """Replace a draft as a whole by what a file holds."""
    definition = read_document(file)
    with calling(context) as client:
        draft, etag = _draft(client, project, pipeline)
        made = client.put(path_of("projects", project, "pipelines", draft["id"]), definition, etag)
    _show_drafted(project, made, as_json=as_json)


@app.command("publish", rich_help_panel=CHANGE)
def publish_pipeline(context: typer.Context, project: ProjectOption, pipeline: DraftOf, yes: Yes = False, as_json: AsJson = False) -> None:
    """Publish a draft, which never changes again; asks first."""
    with calling(context) as client:
        draft, etag = _draft(client, project, pipeline)
        warnings = [f"Warning: {each['message']}" for each in draft["warnings"]]
        ask([*_effect(draft), *warnings], f"Publish '{draft['key']}' version {draft['version']}, for good?", yes=yes)
        published = client.post(path_of("projects", project, "pipelines", draft["id"], "publish"), etag=etag)
    show_answer(published, f"Published '{published['key']}' version {published['version']}.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_pipeline(context: typer.Context, project: ProjectOption, pipeline: DraftOf, yes: Yes = False) -> None:
    """Throw a draft away; asks first."""
    with calling(context) as client:
        draft, etag = _draft(client, project, pipeline)
        ask(_effect(draft), f"Throw '{draft['key']}' version {draft['version']} away?", yes=yes)
        client.delete(path_of("projects", project, "pipelines", draft["id"]), etag)
    show(f"Deleted '{draft['key']}' version {draft['version']}.")


@app.command("clone", rich_help_panel=CHANGE)
def clone_pipeline(
    context: typer.Context,
    project: ProjectOption,
    pipeline: Which,
    key: Annotated[str | None, typer.Option(help="A new key.", show_default="the next version of its own")] = None,
    name: Annotated[str | None, typer.Option(help="A new name.", show_default="its own")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a copy: the next version of its key, or a new pipeline. Releases stay on the version they are on."""
    with calling(context) as client:
        made = client.post(path_of("projects", project, "pipelines", pipeline, "clone"), given(key=key, name=name))
    _show_drafted(project, made, as_json=as_json)


@app.command("archive", rich_help_panel=CHANGE)
def archive_pipeline(context: typer.Context, project: ProjectOption, pipeline: Which, yes: Yes = False, as_json: AsJson = False) -> None:
    """Archive a key with all its versions: it takes no new releases, and those under way go on; asks first."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "pipelines", pipeline))
        effect = [f"No version of '{found['key']}' takes new releases from then on. Those under way go on."]
        ask(effect, f"Archive '{found['key']}', for good?", yes=yes)
        archived = client.post(path_of("projects", project, "pipelines", found["id"], "archive"))
    show_answer(archived, f"Archived '{archived['key']}'.", as_json=as_json)


def stage_in_words(stage: dict[str, Any]) -> tuple[str, str, str, str]:
    """A stage's name and environment, when it acts, and what it does."""
    read = Stage.model_validate(stage)
    return read.name, read.environment, read.trigger.in_words(), read.in_words()


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


def _show_drafted(project: str, made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(made)
        return
    show(f"Drafted '{made['key']}' version {made['version']} ({made['id']}).")
    show(f"Publish it: flaghoist pipelines publish {made['key']} -p {project}")
    _show_warnings(made)


def _show(pipeline: dict[str, Any]) -> None:
    show(f"{pipeline['name']} ({pipeline['key']}), version {pipeline['version']}, {pipeline['status']}", "bold")
    for name, declared in pipeline["parameters"].items():
        default = f", {json.dumps(declared['default'], ensure_ascii=False)} if not given" if "default" in declared else ""
        show(f"Parameter {name} ({declared['type']}{default}): {declared['description']}".rstrip(": "))
    rows = [
        [*stage_in_words(stage), _some(flags["flags"], flags["count"]) or "–"]
        for stage, flags in zip(pipeline["stages"], pipeline["flags"], strict=True)
    ]
    show_table(["Stage", "Environment", "When", "What", "Flags"], rows)
    if pipeline["completed_count"]:
        show(f"Completed in the last 30 days: {_some(pipeline['completed'], pipeline['completed_count'])}")
    _show_warnings(pipeline)


def _some(flags: list[dict[str, Any]], count: int) -> str:
    """The flags that the API names, and how many more there are."""
    more = f", and {count - len(flags)} more" if count > len(flags) else ""
    return ", ".join(flag["feature"] for flag in flags) + more


def _show_warnings(pipeline: dict[str, Any]) -> None:
    for warning in pipeline["warnings"]:
        show(f"Warning: {warning['message']} ({warning['pointer']})", "yellow")


def _counts(pipeline: dict[str, Any]) -> str:
    return ", ".join(f"{count} {status_in_words(status)}" for status, count in pipeline["releases"].items())
