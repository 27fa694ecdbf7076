"""What people see of a release under way: its plan, and why it isn't moving."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.duration import speak_duration
from domain.model import Frozen, Moment
from domain.pipeline import Definition
from domain.release import ACTING, FINISHED, Control, Paused, Release, ReleaseStatus, StageOutcome, StageRun, allowed_controls
from domain.rollback import Rollback
from domain.schedule import planned

PATIENCE = timedelta(seconds=60)
"""How late a stage may be before we say that something is wrong."""


class WaitingFor(Frozen):
    """Why a release isn't moving: a code for programs, a sentence for people, and until when, where that is known."""

    code: str
    message: str
    until: Moment | None = None


class PlannedStage(Frozen):
    """A stage of the plan, with what became of it or when it will act."""

    name: str
    environment: str
    outcome: StageOutcome
    entered_at: Moment | None = None
    acts_at: Moment | None = None
    acted_at: Moment | None = None


def plan_of(release: Release, definition: Definition, runs: Sequence[StageRun], now: datetime) -> list[PlannedStage]:
    """Every stage of the pipeline: the latest visit to it, or what is still to come."""
    latest = {run.stage_index: run for run in sorted(runs, key=lambda run: run.visit)}
    ahead = _acts_at_ahead(release, definition, now)
    return [
        PlannedStage(
            name=stage.name,
            environment=stage.environment,
            outcome=run.outcome if run else _not_visited(release, index),
            entered_at=run.entered_at if run else None,
            acts_at=_due_at(run, ahead.get(index)),
            acted_at=run.acted_at if run else None,
        )
        for index, stage in enumerate(definition.stages)
        for run in [latest.get(index)]
    ]


def waiting_for(release: Release, now: datetime) -> WaitingFor | None:
    """Why the release isn't moving; nothing, once it is finished."""
    if release.is_finished:
        return None
    if release.status is ReleaseStatus.BLOCKED and release.blocked:
        controls = " or ".join(Control(control).verb for control in allowed_controls(release.status))
        return WaitingFor(code="decision", message=f"Blocked: {release.blocked.message} It waits for a person to {controls} it.")
    if steered := _steered(release, now):
        return steered
    if release.acts_at is None:
        return _waiting_for_temporal(release.added_at, now)
    if release.acts_at > now:
        message = f"'{release.stage}' waits until {release.acts_at:%Y-%m-%d %H:%M:%S} UTC."
        return WaitingFor(code="time", message=message, until=release.acts_at)
    return _waiting_for_workers(release, release.acts_at, now)


def _steered(release: Release, now: datetime) -> WaitingFor | None:
    """Somebody has paused it, or has it rolled back."""
    if release.paused:
        return WaitingFor(code="paused", message=_paused_in_words(release.stage, release.paused))
    if release.status is ReleaseStatus.ROLLING_BACK and release.rollback:
        return _rolling_back(release.rollback, now)
    return None


def _paused_in_words(stage: str, paused: Paused) -> str:
    left = f"{speak_duration(paused.remaining)} of its wait are left" if paused.remaining else "it was due"
    by = f" by {paused.by}" if paused.by else ""
    return f"Paused{by} in '{stage}' since {paused.since:%Y-%m-%d %H:%M:%S} UTC: {left}. It waits for a person to resume it."


def _rolling_back(rollback: Rollback, now: datetime) -> WaitingFor:
    if now - rollback.asked_at < PATIENCE:
        return WaitingFor(code="rolling_back", message=f"It is about to be {rollback.in_words()}.")
    message = (
        f"It is to be {rollback.in_words()} at {rollback.asked_at:%Y-%m-%d %H:%M:%S} UTC, and nobody has done it: "
        "no worker is running, or Temporal or the flag provider can't be reached. It is done when they are back."
    )
    return WaitingFor(code="unavailable", message=message)


def _waiting_for_temporal(added: datetime, now: datetime) -> WaitingFor:
    """No worker is needed to start a workflow."""
    if now - added < PATIENCE:
        return WaitingFor(code="starting", message="The release is about to start.")
    message = (
        f"The release was added at {added:%Y-%m-%d %H:%M:%S} UTC and could not be started: Temporal can't be reached. It starts by itself."
    )
    return WaitingFor(code="unavailable", message=message)


def _waiting_for_workers(release: Release, due: datetime, now: datetime) -> WaitingFor:
    if now - due < PATIENCE:
        return WaitingFor(code=ACTING, message=f"'{release.stage}' is due and about to act.")
    message = (
        f"'{release.stage}' has been due since {due:%Y-%m-%d %H:%M:%S} UTC and nobody has carried it out: "
        "no worker is running, or Temporal or the flag provider can't be reached. It goes on by itself when they are back."
    )
    return WaitingFor(code="unavailable", message=message)


def _due_at(run: StageRun | None, ahead: datetime | None) -> datetime | None:
    """When the stage was or will be due; a stage in which the release was ended will never act, one that was rolled back may act again."""
    if run is None or run.acts_at is None or run.outcome is StageOutcome.ROLLED_BACK:
        return ahead
    return None if run.outcome is StageOutcome.REMOVED else run.acts_at


def _not_visited(release: Release, index: int) -> StageOutcome:
    comes_later = index > release.stage_index and release.is_under_way
    return StageOutcome.PENDING if comes_later else StageOutcome.NOT_RUN


def _acts_at_ahead(release: Release, definition: Definition, now: datetime) -> dict[int, datetime]:
    """When the stages ahead will act, the soonest from now on; unknown while a person has to decide."""
    if release.acts_at is None or release.status in (*FINISHED, ReleaseStatus.BLOCKED, ReleaseStatus.ROLLING_BACK):
        return {}
    return planned(definition.stages, release.stage_index, max(release.acts_at, now))
