"""Releases, from a terminal."""

import json
import time
from typing import Annotated, Any

import typer

from api.cli.pipelines import stage_in_words
from api.cli.session import REFUSED, AsJson, Limit, Project, Yes, calling
from api.cli.showing import ask, moment, show, show_json, show_table
from api.client import first, path_of

app = typer.Typer(help="Releases: flags on their way.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="RELEASE", help="Its id.")]
Why = Annotated[str | None, typer.Option("--reason", help="Why, for the audit log.")]

LOOK_EVERY = 1.0


@app.command("add")
def add_release(
    context: typer.Context,
    project: Project,
    feature: Annotated[str, typer.Argument(help="Its key.")],
    pipeline: Annotated[str, typer.Argument(help="Its key, for the newest published version, or the id of one version.")],
    stage: Annotated[str | None, typer.Option(help="The stage to start at. [default: the first]")] = None,
    on_conflict: Annotated[str | None, typer.Option(help="block or overwrite. [default: as the pipeline says]")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add a flag to a pipeline."""
    with calling(context) as client:
        version = client.get(path_of("projects", project, "pipelines", pipeline))
        ask(_effect(version, stage), f"Add '{feature}' to '{version['key']}' version {version['version']}?", yes=yes)
        given = {"starting_stage": stage, "on_conflict": on_conflict}
        body = {"feature": feature, "pipeline": version["id"]} | {name: value for name, value in given.items() if value is not None}
        added = client.post(path_of("projects", project, "releases"), body)
    if as_json:
        show_json(added)
    else:
        show(f"Added '{feature}' to '{version['key']}'. Watch it: flaghoist releases watch {added['id']} -p {project}")


@app.command("list")
def list_releases(
    context: typer.Context,
    project: Project,
    pipeline: Annotated[str | None, typer.Option(help="Only on this pipeline.")] = None,
    feature: Annotated[str | None, typer.Option(help="Only of this feature.")] = None,
    status: Annotated[str | None, typer.Option(help="Only with this status.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Releases, newest first."""
    with calling(context) as client:
        releases = client.items(path_of("projects", project, "releases"), pipeline=pipeline, feature=feature, status=status)
        found = first(limit, releases)
    if as_json:
        show_json(found)
        return
    rows = [[each["id"], each["feature"], each["pipeline"]["key"], each["status"], each["stage"], _why(each)] for each in found]
    show_table(["Release", "Feature", "Pipeline", "Status", "Stage", "Waiting for"], rows)


@app.command("show")
def show_release(context: typer.Context, project: Project, release: Which, as_json: AsJson = False) -> None:
    """One release: its plan, and why it isn't moving."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    _show(found, as_json=as_json)


@app.command("watch")
def watch_release(context: typer.Context, project: Project, release: Which, as_json: AsJson = False) -> None:
    """Follow a release to its end; exit code 1 if it ends before its last stage."""
    told = ""
    with calling(context) as client:
        while True:
            found = client.get(path_of("projects", project, "releases", release))
            line = json.dumps(found) if as_json else f"{found['status']} in '{found['stage']}'. {_why(found)}".strip()
            if line != told:
                show(line)
                told = line
            if found["ended_at"]:
                raise typer.Exit(0 if found["status"] == "completed" else REFUSED)
            time.sleep(LOOK_EVERY)


@app.command("remove")
def remove_release(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Take a flag out of its pipeline; what was changed stays."""
    with calling(context) as client:
        path = path_of("projects", project, "releases", release)
        shown: dict[str, Any] = {}
        if not yes:
            found = client.get(path)
            left = [stage["name"] for stage in found["stages"] if stage["outcome"] in ("pending", "blocked")]
            effect = f"'{found['feature']}' stays as it is; these stages will not act: {', '.join(left) or 'none'}."
            ask([effect], f"Remove it from '{found['pipeline']['key']}' at '{found['stage']}'?", yes=yes)
            shown = {"expected_stage": found["stage"], "expected_visit": found["visit"]}
        removed = client.post(f"{path}/remove", shown | ({"reason": reason} if reason else {}))
    _show(removed, as_json=as_json)


@app.command("retry")
def retry_release(
    context: typer.Context,
    project: Project,
    release: Which,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over what was changed by hand, as it was shown.")] = False,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """Try the stage of a blocked release again."""
    body = {"overwrite": overwrite} | ({"reason": reason} if reason else {})
    with calling(context) as client:
        retried = client.post(path_of("projects", project, "releases", release, "retry"), body)
    _show(retried, as_json=as_json)


def _effect(pipeline: dict[str, Any], start: str | None) -> list[str]:
    """What the stages from the starting one on will do; the API says it if there is no such stage."""
    stages = [stage_in_words(stage) for stage in pipeline["stages"]]
    names = [stage[0].casefold() for stage in stages]
    index = names.index(start.casefold()) if start and start.casefold() in names else 0
    return [f"{name} ({environment}), {when}: {what}" for name, environment, when, what in stages[index:]]


def _why(release: dict[str, Any]) -> str:
    return release["waiting_for"]["message"] if release["waiting_for"] else ""


def _show(release: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(release)
        return
    pipeline = release["pipeline"]
    show(f"{release['feature']} on {pipeline['key']} version {pipeline['version']}: {release['status']} in '{release['stage']}'", "bold")
    show(_why(release))
    rows = [
        [stage["name"], stage["environment"], stage["outcome"], moment(stage["acted_at"] or stage["acts_at"])]
        for stage in release["stages"]
    ]
    show_table(["Stage", "Environment", "Outcome", "At"], rows)
    show(f"Temporal: {release['temporal_url']}")
