"""The commands for releases. Those that control a release are in modules of their own and imported on demand."""

import json
from typing import Annotated, Any, Literal

import typer

from api.cli.completion import offer_keys, offer_releases
from api.cli.conflict_output import conflict_in_words
from api.cli.filters import EnvironmentOption, FeatureOption, PipelineOption, SinceOption, UntilOption
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.lazy import Entry, lazy_group
from api.cli.output import confirm, local_time, show, show_json, show_response, show_table
from api.cli.parameters import ParameterOption, parse_parameters
from api.cli.pipelines import stage_in_words
from api.cli.rollback_output import rollback_in_words
from api.cli.session import FeatureArgument, JsonOption, LimitOption, ProjectOption, YesOption, api_client, provided
from api.cli.watch import waiting_for, watch_all, watch_one
from api.client import ApiClient, Refused, first, path_of
from domain.releases.status import ReleaseStatus, status_in_words

CONTROLS = {
    "pause": Entry(
        "api.cli.controls:pause_release", CHANGE, "Stop the stage's clock and keep its remaining wait. Works while Temporal is down."
    ),
    "resume": Entry("api.cli.controls:resume_release", CHANGE, "Restart the clock of a paused stage."),
    "advance": Entry(
        "api.cli.controls:advance_release", CHANGE, "Cut the stage's wait short so that it acts at once. Asks for confirmation."
    ),
    "skip": Entry("api.cli.controls:skip_stage", CHANGE, "Move on to the next stage; the current one does not act. Asks for confirmation."),
    "retry": Entry(
        "api.cli.controls:retry_release", CHANGE, "Retry the stage of a blocked release. Shows the cause and asks for confirmation."
    ),
    "approve": Entry(
        "api.cli.controls:approve_release",
        CHANGE,
        "Approve exactly the changes that the stage would make now, even before it is due. Shows them and asks for confirmation.",
    ),
    "reject": Entry(
        "api.cli.controls:reject_release",
        CHANGE,
        "Reject the changes that the stage would make, and block the release. Asks for confirmation.",
    ),
    "restart": Entry(
        "api.cli.controls:restart_release", CHANGE, "Continue from an earlier stage without undoing anything. Asks for confirmation."
    ),
    "rollback": Entry(
        "api.cli.rollback:roll_back_release",
        CHANGE,
        "Undo the changes of a release. Shows each field before and after, and asks for confirmation.",
    ),
    "remove": Entry(
        "api.cli.controls:remove_release", CHANGE, "Remove a flag from its pipeline. Changes already made stay. Asks for confirmation."
    ),
}

EVIDENCE = {
    "samples": Entry(
        "api.cli.samples:list_samples", LOOK, "Show the newest samples of each guardrail, metric gate and check of a release."
    ),
    "experiments": Entry(
        "api.cli.experiments:list_experiments",
        LOOK,
        "Show the experiments of a release: the decision, and the numbers of each arm at the newest look.",
    ),
}

app = command_group(
    "Releases: flags moving through pipelines.",
    "flaghoist releases add checkout web-app",
    "flaghoist releases watch",
    "flaghoist releases list --status blocked --since 24h",
    cls=lazy_group(CONTROLS | EVIDENCE),
)

LOWERS_SHARE = "lowers_share"
"""The problem code of a stage that would take the flag from people, and the word that accepts it."""

ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id.", autocompletion=offer_releases)]


@app.command("add", rich_help_panel=CHANGE)
def add_release(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureArgument,
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="A pipeline's key, for its newest published version, or the id of one version.",
            autocompletion=offer_keys("pipelines"),
        ),
    ],
    stage: Annotated[str | None, typer.Option(help="The stage to start at.", show_default="the first")] = None,
    parameter: ParameterOption = None,
    on_conflict: Annotated[
        Literal["block", "overwrite"] | None,
        typer.Option(help="What to do if the flag was changed by hand.", show_default="the pipeline's setting"),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add a flag to a pipeline. Shows what the stages will do and asks for confirmation."""
    with api_client(context) as client:
        version = client.get(path_of("projects", project, "pipelines", pipeline))
        parameters = parse_parameters(version, parameter)
        values = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items()]
        confirm([*_effect(version, stage), *values], f"Add '{feature}' to '{version['key']}' version {version['version']}?", yes=yes)
        body = provided(
            feature=feature, pipeline=version["id"], starting_stage=stage, on_conflict=on_conflict, parameters=parameters or None
        )
        added = _add(client, path_of("projects", project, "releases"), body, yes=yes)
    line = f"Added '{feature}' to '{version['key']}'. To watch it: flaghoist releases watch {added['id']} -p {project}"
    show_response(added, line, as_json=as_json)


@app.command("list", rich_help_panel=LOOK)
def list_releases(
    context: typer.Context,
    project: ProjectOption,
    pipeline: PipelineOption = None,
    feature: FeatureOption = None,
    environment: EnvironmentOption = None,
    stage: Annotated[str | None, typer.Option(help="Only those in the stage with this name.")] = None,
    status: Annotated[ReleaseStatus | None, typer.Option(help="Only those with this status.")] = None,
    added_by: Annotated[str | None, typer.Option(help="Only those added by this owner.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List releases, newest first."""
    filters = provided(pipeline=pipeline, feature=feature, environment=environment, stage=stage, added_by=added_by)
    filters |= provided(status=status and status.value, since=since, until=until)
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "releases"), **filters))
    if as_json:
        show_json(found)
        return
    rows = [
        [each["id"], each["feature"], each["pipeline"]["key"], status_in_words(each["status"]), each["stage"], waiting_for(each)]
        for each in found
    ]
    show_table(["Release", "Feature", "Pipeline", "Status", "Stage", "Waiting for"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_release(context: typer.Context, project: ProjectOption, release: ReleaseArgument, as_json: JsonOption = False) -> None:
    """Show a release: its plan, and why it isn't moving."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    print_release(found, as_json=as_json)


@app.command("watch", rich_help_panel=LOOK)
def watch_releases(
    context: typer.Context,
    project: ProjectOption,
    release: Annotated[
        str | None,
        typer.Argument(metavar="RELEASE", help="The release's id.", show_default="all unfinished", autocompletion=offer_releases),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow one or all unfinished releases until they end. Exit code 1 if one ends without completing."""
    with api_client(context) as client:
        if release:
            watch_one(client, project, release, as_json=as_json)
        else:
            watch_all(client, project, as_json=as_json)


def print_release(release: dict[str, Any], *, as_json: bool) -> None:
    """Print a release: its status, why it isn't moving, and its plan."""
    if as_json:
        show_json(release)
        return
    pipeline = release["pipeline"]
    status = f"{status_in_words(release['status'])} in '{release['stage']}'"
    show(f"{release['feature']} on {pipeline['key']} version {pipeline['version']}: {status}", "bold")
    show(waiting_for(release))
    if approval := release["approval"]:
        show(f"Approvals of '{release['stage']}': {len(approval['given'])} of {approval['needed']}{_by(approval['given'])}.")
    for line in (*conflict_in_words(release), *rollback_in_words(release)):
        show(line)
    unknown_time = "after resume" if release["status"] == "paused" else ""
    show_table(["Stage", "Environment", "Outcome", "At"], [row for stage in release["stages"] for row in _rows(stage, unknown_time)])
    for environment, percent in release["rollouts"].items():
        show(f"Its rollout in {environment} {'was left' if release['ended_at'] else 'is'} at {percent}%.")
    show(f"Temporal: {release['temporal_url']}")


def _add(client: ApiClient, path: str, body: dict[str, Any], *, yes: bool) -> Any:
    """Add the flag. If a stage would take it from people who have it, say so, and add it only if the user accepts that."""
    try:
        return client.post(path, body)
    except Refused as refused:
        if refused.code != LOWERS_SHARE:
            raise
        confirm([problem.message for problem in refused.problems], "Add it anyway?", yes=yes)
        return client.post(path, body | {"accept": [LOWERS_SHARE]})


def _effect(pipeline: dict[str, Any], start: str | None) -> list[str]:
    """Describe the stages from the starting one on. An unknown starting stage is left for the API to reject."""
    stages = [stage_in_words(stage) for stage in pipeline["stages"]]
    names = [stage[0].casefold() for stage in stages]
    index = names.index(start.casefold()) if start and start.casefold() in names else 0
    return [f"{name} ({environment}), {when}: {what}" for name, environment, when, what in stages[index:]]


def _by(approvals: list[dict[str, Any]]) -> str:
    return f", by {', '.join(each['owner'] for each in approvals)}" if approvals else ""


def _step_in_words(stage: dict[str, Any], step: dict[str, Any]) -> str:
    """Describe the state of a rollout step. A step that was not made is pending only if its stage is."""
    if step["made_at"]:
        return "done"
    return "pending" if stage["outcome"] in ("pending", "blocked") else ""


def _rows(stage: dict[str, Any], unknown_time: str) -> list[list[str]]:
    """Return the table rows of a stage: the stage itself, the steps of its rollout, and its note."""
    unknown = unknown_time if stage["outcome"] == "pending" else ""
    at = local_time(stage["acted_at"] or stage["acts_at"]) or unknown
    rows = [[stage["name"], stage["environment"], status_in_words(stage["outcome"]), at]]
    rows += [
        [f"  {step['percent']}%", "", _step_in_words(stage, step), local_time(step["made_at"] or step["acts_at"]) or unknown]
        for step in stage["steps"] or ()
    ]
    return rows + ([["", "", "", stage["note"]]] if stage["note"] else [])
