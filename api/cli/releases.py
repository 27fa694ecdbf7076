"""Releases, from a terminal."""

import json
from typing import Annotated, Any, Literal

import typer

from api.cli.completion import offer_keys, offer_releases
from api.cli.conflict_output import sides_in_words
from api.cli.filters import OnlyEnvironment, OnlyFeature, OnlyPipeline, SinceThen, UntilThen
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, moment, show, show_answer, show_json, show_table
from api.cli.parameters import ParametersGiven, parameters_of
from api.cli.pipelines import stage_in_words
from api.cli.rollback_output import rollback_in_words
from api.cli.session import AsJson, FeatureKey, Limit, ProjectOption, Yes, calling, given
from api.cli.watch import watch_all, watch_one, why
from api.client import first, path_of
from domain.releases.status import ReleaseStatus, status_in_words

app = typer.Typer(
    help=with_examples(
        "Releases: flags on their way.",
        "flaghoist releases add checkout web-app",
        "flaghoist releases watch",
        "flaghoist releases list --status blocked --since 24h",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[str, typer.Argument(metavar="RELEASE", help="Its id.", autocompletion=offer_releases)]


@app.command("add", rich_help_panel=CHANGE)
def add_release(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureKey,
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="Its key, for the newest published version, or the id of one version.",
            autocompletion=offer_keys("pipelines"),
        ),
    ],
    stage: Annotated[str | None, typer.Option(help="The stage to start at.", show_default="the first")] = None,
    parameter: ParametersGiven = None,
    on_conflict: Annotated[
        Literal["block", "overwrite"] | None,
        typer.Option(help="What to do where the flag was changed by hand.", show_default="as the pipeline says"),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add a flag to a pipeline; shows what its stages will do, and asks."""
    with calling(context) as client:
        version = client.get(path_of("projects", project, "pipelines", pipeline))
        parameters = parameters_of(version, parameter)
        values = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items()]
        ask([*_effect(version, stage), *values], f"Add '{feature}' to '{version['key']}' version {version['version']}?", yes=yes)
        body = given(feature=feature, pipeline=version["id"], starting_stage=stage, on_conflict=on_conflict, parameters=parameters or None)
        added = client.post(path_of("projects", project, "releases"), body)
    line = f"Added '{feature}' to '{version['key']}'. Watch it: flaghoist releases watch {added['id']} -p {project}"
    show_answer(added, line, as_json=as_json)


@app.command("list", rich_help_panel=LOOK)
def list_releases(
    context: typer.Context,
    project: ProjectOption,
    pipeline: OnlyPipeline = None,
    feature: OnlyFeature = None,
    environment: OnlyEnvironment = None,
    stage: Annotated[str | None, typer.Option(help="Only in the stage of this name.")] = None,
    status: Annotated[ReleaseStatus | None, typer.Option(help="Only with this status.")] = None,
    added_by: Annotated[str | None, typer.Option(help="Only those that this owner added.")] = None,
    since: SinceThen = None,
    until: UntilThen = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Releases, newest first."""
    filters = given(pipeline=pipeline, feature=feature, environment=environment, stage=stage, added_by=added_by)
    filters |= given(status=status and status.value, since=since, until=until)
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "releases"), **filters))
    if as_json:
        show_json(found)
        return
    rows = [
        [each["id"], each["feature"], each["pipeline"]["key"], status_in_words(each["status"]), each["stage"], why(each)] for each in found
    ]
    show_table(["Release", "Feature", "Pipeline", "Status", "Stage", "Waiting for"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_release(context: typer.Context, project: ProjectOption, release: Which, as_json: AsJson = False) -> None:
    """One release: its plan, and why it isn't moving."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    print_release(found, as_json=as_json)


@app.command("watch", rich_help_panel=LOOK)
def watch_releases(
    context: typer.Context,
    project: ProjectOption,
    release: Annotated[
        str | None,
        typer.Argument(metavar="RELEASE", help="Its id.", show_default="all under way", autocompletion=offer_releases),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a release, or all that are under way, to the end; exit code 1 if one ends before its last stage."""
    with calling(context) as client:
        if release:
            watch_one(client, project, release, as_json=as_json)
        else:
            watch_all(client, project, as_json=as_json)


def _effect(pipeline: dict[str, Any], start: str | None) -> list[str]:
    """What the stages from the starting one on will do; the API says it if there is no such stage."""
    stages = [stage_in_words(stage) for stage in pipeline["stages"]]
    names = [stage[0].casefold() for stage in stages]
    index = names.index(start.casefold()) if start and start.casefold() in names else 0
    return [f"{name} ({environment}), {when}: {what}" for name, environment, when, what in stages[index:]]


def print_release(release: dict[str, Any], *, as_json: bool) -> None:
    """One release: where it stands, why, and its plan."""
    if as_json:
        show_json(release)
        return
    pipeline = release["pipeline"]
    standing = f"{status_in_words(release['status'])} in '{release['stage']}'"
    show(f"{release['feature']} on {pipeline['key']} version {pipeline['version']}: {standing}", "bold")
    show(why(release))
    if asked := release["approval"]:
        show(f"Approvals of '{release['stage']}': {len(asked['given'])} of {asked['needed']}{_by(asked['given'])}.")
    for line in (*sides_in_words(release), *rollback_in_words(release)):
        show(line)
    after = "after resume" if release["status"] == "paused" else ""
    show_table(["Stage", "Environment", "Outcome", "At"], [row for stage in release["stages"] for row in _rows(stage, after)])
    for environment, percent in release["rollouts"].items():
        show(f"Its rollout in {environment} {'was left' if release['ended_at'] else 'stands'} at {percent} %.")
    show(f"Temporal: {release['temporal_url']}")


def _by(given: list[dict[str, Any]]) -> str:
    return f", by {', '.join(yes['owner'] for yes in given)}" if given else ""


def _step_in_words(stage: dict[str, Any], step: dict[str, Any]) -> str:
    """A step that was not made is still to come only where its stage is."""
    if step["made_at"]:
        return "made"
    return "pending" if stage["outcome"] in ("pending", "blocked") else ""


def _rows(stage: dict[str, Any], after: str) -> list[list[str]]:
    """A stage of the plan, the steps of its rollout, and what is to be said of it."""
    unknown = after if stage["outcome"] == "pending" else ""
    at = moment(stage["acted_at"] or stage["acts_at"]) or unknown
    rows = [[stage["name"], stage["environment"], status_in_words(stage["outcome"]), at]]
    rows += [
        [f"  {step['percent']} %", "", _step_in_words(stage, step), moment(step["made_at"] or step["acts_at"]) or unknown]
        for step in stage["steps"] or ()
    ]
    return rows + ([["", "", "", stage["note"]]] if stage["note"] else [])
