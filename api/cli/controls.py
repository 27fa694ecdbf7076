"""Controls of a release, from a terminal."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from api.cli.panels import CHANGE
from api.cli.releases import Which, print_release
from api.cli.rollbacks import undoing_in_words
from api.cli.session import AsJson, Project, Yes, calling, given
from api.cli.showing import ask
from api.client import path_of

Why = Annotated[str | None, typer.Option("--reason", help="Why, for the audit log.")]


def add_to(app: typer.Typer) -> None:
    """Add the controls to the commands about releases."""
    for name, command in CONTROLS.items():
        app.command(name, rich_help_panel=CHANGE)(command)


def pause_release(context: typer.Context, project: Project, release: Which, reason: Why = None, as_json: AsJson = False) -> None:
    """Stop the clock of the stage, also while Temporal is down; what is left of its wait is kept."""
    _steer(context, project, release, "pause", as_json=as_json, reason=reason)


def resume_release(context: typer.Context, project: Project, release: Which, reason: Why = None, as_json: AsJson = False) -> None:
    """Let the clock of a paused stage go on."""
    _steer(context, project, release, "resume", as_json=as_json, reason=reason)


def advance_release(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Cut the wait of the stage short, so that it acts at once; asks first."""
    seen = _asked(context, project, release, "'{stage}' acts at once in {environment}.", "Advance it?", yes=yes)
    _steer(context, project, release, "advance", as_json=as_json, reason=reason, **seen)


def skip_stage(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Pass over the stage, which does not act; asks first."""
    seen = _asked(context, project, release, "'{stage}' will not act, and the next stage is entered now.", "Skip it?", yes=yes)
    _steer(context, project, release, "skip", as_json=as_json, reason=reason, **seen)


def restart_release(
    context: typer.Context,
    project: Project,
    release: Which,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Its name: an earlier stage, or the one it is in.")],
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier stage and climb again from there; nothing is undone; asks first."""
    effect = "It leaves '{stage}' and enters '{to}' now; what was changed stays."
    seen = _asked(context, project, release, effect, "Restart it?", yes=yes, to=stage)
    _steer(context, project, release, "restart", as_json=as_json, stage=stage, reason=reason, **seen)


def retry_release(
    context: typer.Context,
    project: Project,
    release: Which,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over what was changed by hand, as it was shown.")] = False,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """Try the stage of a blocked release again."""
    _steer(context, project, release, "retry", as_json=as_json, overwrite=overwrite, reason=reason)


def roll_back_release(
    context: typer.Context,
    project: Project,
    release: Which,
    to_stage: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Undo only what was done after this stage.", show_default="everything")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also put back what somebody changed since.")] = False,
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a release changed; shows what it changed, and asks."""
    seen = {} if yes else _asked_about_rollback(context, project, release, to_stage, force=force)
    _steer(context, project, release, "rollback", as_json=as_json, to_stage=to_stage, force=force, reason=reason, **seen)


def approve_release(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Say yes to exactly what the stage would apply now, also before it is due; shows it and asks first."""
    shown = {} if yes else _looked_at(context, project, release)
    _steer(context, project, release, "approve", as_json=as_json, reason=reason, **shown)


def reject_release(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Say no to what the stage would apply: the release blocks; asks first."""
    seen = _asked(context, project, release, "'{stage}' will not act in {environment}, and the release blocks.", "Reject it?", yes=yes)
    _steer(context, project, release, "reject", as_json=as_json, reason=reason, **seen)


def remove_release(
    context: typer.Context, project: Project, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Take a flag out of its pipeline, while what was changed stays; asks first."""
    effect = "'{feature}' stays as it is; these stages will not act: {ahead}."
    seen = _asked(context, project, release, effect, "Remove it from '{pipeline}' at '{stage}'?", yes=yes)
    _steer(context, project, release, "remove", as_json=as_json, reason=reason, **seen)


CONTROLS: dict[str, Callable[..., None]] = {
    "pause": pause_release,
    "resume": resume_release,
    "advance": advance_release,
    "skip": skip_stage,
    "retry": retry_release,
    "approve": approve_release,
    "reject": reject_release,
    "restart": restart_release,
    "rollback": roll_back_release,
    "remove": remove_release,
}


def _looked_at(context: typer.Context, project: str, release: str) -> dict[str, Any]:
    """Show what would be applied and ask; the yes is for that and nothing else."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    seen = {"expected_stage": found["stage"], "expected_visit": found["visit"]}
    asked = found["approval"] or {"now": {}, "applies": [], "given": [], "binds": None}
    lines = [f"In {found['environment']} now: {json.dumps(asked['now'], ensure_ascii=False)}"]
    lines += [f"It would apply: {json.dumps(patch, ensure_ascii=False)}" for patch in asked["applies"]]
    lines += [f"Approved by {yes['owner']}." for yes in asked["given"]]
    ask(lines, f"Approve '{found['stage']}' of '{found['feature']}'?", yes=False)
    return seen | given(shown=asked["binds"])


def _asked(context: typer.Context, project: str, release: str, effect: str, question: str, *, yes: bool, **more: str) -> dict[str, Any]:
    """Show what will happen and ask; where the release stood then, so that the answer is for nothing else."""
    if yes:
        return {}
    with calling(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    ahead = ", ".join(stage["name"] for stage in found["stages"] if stage["outcome"] in ("pending", "blocked")) or "none"
    words = (
        {field: found[field] for field in ("feature", "stage", "environment")}
        | {"ahead": ahead, "pipeline": found["pipeline"]["key"]}
        | more
    )
    ask([effect.format(**words)], question.format(**words), yes=yes)
    return _where(found)


def _asked_about_rollback(context: typer.Context, project: str, release: str, to_stage: str | None, *, force: bool) -> dict[str, Any]:
    """Show what was changed, in the other direction, and ask."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "releases", release))
    others = "what somebody changed since is put back too" if force else "what somebody changed since is left alone"
    effect = undoing_in_words(found, to_stage) or ["It has changed nothing that is to be put back."]
    far = f" to what '{to_stage}' left" if to_stage else ""
    ask([*effect, f"Each is put back to what it was before; {others}."], f"Roll back '{found['feature']}'{far}?", yes=False)
    return _where(found)


def _where(release: dict[str, Any]) -> dict[str, Any]:
    return {"expected_stage": release["stage"], "expected_visit": release["visit"]}


def _steer(context: typer.Context, project: str, release: str, control: str, *, as_json: bool, **body: Any) -> None:
    with calling(context) as client:
        steered = client.post(path_of("projects", project, "releases", release, control), given(**body))
    print_release(steered, as_json=as_json)
