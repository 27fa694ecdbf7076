"""The commands that control a release."""

import json
from typing import Annotated, Any

import typer

from api.cli.output import confirm
from api.cli.previews import effect_of, overwritten_in_words, question_of
from api.cli.releases import ReleaseArgument
from api.cli.segment_output import rules_in_words
from api.cli.send_control import ReasonOption, expected_position, read_release, send_control
from api.cli.session import JsonOption, ProjectOption, YesOption, provided
from domain.releases.control import Control


def pause_release(
    context: typer.Context, project: ProjectOption, release: ReleaseArgument, reason: ReasonOption = None, as_json: JsonOption = False
) -> None:
    """Stop the stage's clock and keep its remaining wait. Works while Temporal is down."""
    send_control(context, project, release, "pause", as_json=as_json, reason=reason)


def resume_release(
    context: typer.Context, project: ProjectOption, release: ReleaseArgument, reason: ReasonOption = None, as_json: JsonOption = False
) -> None:
    """Restart the clock of a paused stage."""
    send_control(context, project, release, "resume", as_json=as_json, reason=reason)


def advance_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Cut the stage's wait short so that it acts at once. Asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.ADVANCE)
    send_control(context, project, release, "advance", as_json=as_json, reason=reason, **position)


def skip_stage(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move on to the next stage; the current one does not act. Asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.SKIP)
    send_control(context, project, release, "skip", as_json=as_json, reason=reason, **position)


def restart_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="The name of an earlier stage, or of the current one.")],
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Continue from an earlier stage without undoing anything. Asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.RESTART, stage)
    send_control(context, project, release, "restart", as_json=as_json, stage=stage, reason=reason, **position)


def retry_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also overwrite changes made by hand, as they were shown.")] = False,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Retry the stage of a blocked release. Shows the cause and asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.RETRY, overwrite=overwrite)
    send_control(context, project, release, "retry", as_json=as_json, overwrite=overwrite, reason=reason, **position)


def approve_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Approve exactly the changes that the stage would make now, even before it is due. Shows them and asks for confirmation."""
    shown = {} if yes else _confirm_approval(context, project, release)
    send_control(context, project, release, "approve", as_json=as_json, reason=reason, **shown)


def reject_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reject the changes that the stage would make, and block the release. Asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.REJECT)
    send_control(context, project, release, "reject", as_json=as_json, reason=reason, **position)


def remove_release(
    context: typer.Context,
    project: ProjectOption,
    release: ReleaseArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a flag from its pipeline. Changes already made stay. Asks for confirmation."""
    position = {} if yes else _confirm(context, project, release, Control.REMOVE)
    send_control(context, project, release, "remove", as_json=as_json, reason=reason, **position)


def _confirm_approval(context: typer.Context, project: str, release: str) -> dict[str, Any]:
    """Show the changes that the stage would make and ask for confirmation. Return the fields that bind the approval to them."""
    found = read_release(context, project, release, Control.APPROVE)
    approval = found["approval"] or {"now": {}, "applies": [], "segments": [], "given": [], "binds": None}
    lines = [f"In {found['environment']} now: {json.dumps(approval['now'], ensure_ascii=False)}"]
    lines += [f"The stage would apply: {json.dumps(patch, ensure_ascii=False)}" for patch in approval["applies"]]
    lines += [f"Segment '{each['key']}' now: {rules_in_words(each)}" for each in approval["segments"]]
    lines += [f"Approved by {given['owner']}." for given in approval["given"]]
    confirm(lines, f"Approve '{found['stage']}' of '{found['feature']}'?", yes=False)
    return expected_position(found) | provided(shown=approval["binds"])


def _confirm(
    context: typer.Context, project: str, release: str, control: Control, to_stage: str = "", *, overwrite: bool = False
) -> dict[str, Any]:
    """Show the control's effect and ask for confirmation. Return the fields that make it apply only to the release as it was shown."""
    found = read_release(context, project, release, control)
    overwritten = overwritten_in_words(found) if overwrite else []
    confirm([*effect_of(control, found, to_stage), *overwritten], question_of(control, found), yes=False)
    return expected_position(found)
