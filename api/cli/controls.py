"""Controls of a release, from a terminal."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from api.cli.help_panels import CHANGE
from api.cli.output import ask
from api.cli.previews import effect_of, overwriting_in_words, question_of
from api.cli.releases import Which
from api.cli.rollback import roll_back_release
from api.cli.send_control import Why, look, send_control, standing
from api.cli.session import AsJson, ProjectOption, Yes, given
from domain.releases.control import Control


def add_to(app: typer.Typer) -> None:
    """Add the controls to the commands about releases."""
    for name, command in CONTROLS.items():
        app.command(name, rich_help_panel=CHANGE)(command)


def pause_release(context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, as_json: AsJson = False) -> None:
    """Stop the clock of the stage, also while Temporal is down; what is left of its wait is kept."""
    send_control(context, project, release, "pause", as_json=as_json, reason=reason)


def resume_release(context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, as_json: AsJson = False) -> None:
    """Let the clock of a paused stage go on."""
    send_control(context, project, release, "resume", as_json=as_json, reason=reason)


def advance_release(
    context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Cut the wait of the stage short, so that it acts at once; asks first."""
    seen = {} if yes else _asked(context, project, release, Control.ADVANCE)
    send_control(context, project, release, "advance", as_json=as_json, reason=reason, **seen)


def skip_stage(
    context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Pass over the stage, which does not act; asks first."""
    seen = {} if yes else _asked(context, project, release, Control.SKIP)
    send_control(context, project, release, "skip", as_json=as_json, reason=reason, **seen)


def restart_release(
    context: typer.Context,
    project: ProjectOption,
    release: Which,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Its name: an earlier stage, or the one it is in.")],
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier stage and climb again from there; nothing is undone; asks first."""
    seen = {} if yes else _asked(context, project, release, Control.RESTART, stage)
    send_control(context, project, release, "restart", as_json=as_json, stage=stage, reason=reason, **seen)


def retry_release(
    context: typer.Context,
    project: ProjectOption,
    release: Which,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over what was changed by hand, as it was shown.")] = False,
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Try the stage of a blocked release again; shows what was in the way, and asks."""
    seen = {} if yes else _asked(context, project, release, Control.RETRY, overwrite=overwrite)
    send_control(context, project, release, "retry", as_json=as_json, overwrite=overwrite, reason=reason, **seen)


def approve_release(
    context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Say yes to exactly what the stage would apply now, also before it is due; shows it and asks first."""
    shown = {} if yes else _looked_at(context, project, release)
    send_control(context, project, release, "approve", as_json=as_json, reason=reason, **shown)


def reject_release(
    context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Say no to what the stage would apply: the release blocks; asks first."""
    seen = {} if yes else _asked(context, project, release, Control.REJECT)
    send_control(context, project, release, "reject", as_json=as_json, reason=reason, **seen)


def remove_release(
    context: typer.Context, project: ProjectOption, release: Which, reason: Why = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Take a flag out of its pipeline, while what was changed stays; asks first."""
    seen = {} if yes else _asked(context, project, release, Control.REMOVE)
    send_control(context, project, release, "remove", as_json=as_json, reason=reason, **seen)


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
    found = look(context, project, release, Control.APPROVE)
    asked = found["approval"] or {"now": {}, "applies": [], "given": [], "binds": None}
    lines = [f"In {found['environment']} now: {json.dumps(asked['now'], ensure_ascii=False)}"]
    lines += [f"It would apply: {json.dumps(patch, ensure_ascii=False)}" for patch in asked["applies"]]
    lines += [f"Approved by {yes['owner']}." for yes in asked["given"]]
    ask(lines, f"Approve '{found['stage']}' of '{found['feature']}'?", yes=False)
    return standing(found) | given(shown=asked["binds"])


def _asked(
    context: typer.Context, project: str, release: str, control: Control, to_stage: str = "", *, overwrite: bool = False
) -> dict[str, Any]:
    """Show what the control will do, and ask; where the release stood then, so that the answer is for nothing else."""
    found = look(context, project, release, control)
    more = overwriting_in_words(found) if overwrite else []
    ask([*effect_of(control, found, to_stage), *more], question_of(control, found), yes=False)
    return standing(found)
