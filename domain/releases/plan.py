"""The plan of a release: every stage, with its outcome or the time at which it will act."""

from collections.abc import Sequence
from datetime import datetime

from domain.flags.change import Change
from domain.model import Frozen, Moment
from domain.percentage import Percentage
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.release import Release, StageRun
from domain.releases.schedule import Calendar, ScheduledStage, calendar_of, planned, steps_at
from domain.releases.status import FINISHED, ReleaseStatus, StageOutcome

_NEVER_ACTED = frozenset({StageOutcome.REMOVED, StageOutcome.ROLLED_BACK, StageOutcome.SKIPPED})


class PlannedStep(Frozen):
    """A step of a rollout: the share that it leads to, in percent, and when it acted or will act."""

    percent: Percentage
    acts_at: Moment | None = None
    made_at: Moment | None = None


class PlannedStage(Frozen):
    """A stage of the plan, with its outcome or the time at which it will act."""

    name: str
    environment: str
    outcome: StageOutcome
    entered_at: Moment | None = None
    acts_at: Moment | None = None
    acted_at: Moment | None = None
    steps: list[PlannedStep] | None = None
    note: str | None = None


def plan_of(
    release: Release,
    definition: PipelineDefinition,
    runs: Sequence[StageRun],
    changes: Sequence[Change],
    now: datetime,
    freezes: Sequence[Freeze] = (),
) -> list[PlannedStage]:
    """Return every stage of the pipeline, with its latest visit or its expected times.

    A stage that lies ahead again, after a restart or a rollback, counts as not visited.
    """
    latest = {run.stage_index: run for run in sorted(runs, key=lambda run: run.visit) if not _is_ahead(release, run.stage_index)}
    stages = with_fixed_times(definition.stages, release.parameters)
    calendar = calendar_of(freezes)
    ahead = scheduled_ahead(release, stages, now, calendar)
    plan = []
    for index, stage in enumerate(stages):
        run, due = latest.get(index), ahead.get(index)
        made = [change for change in changes if run and change.visit == run.visit and _is_in_effect(run, change)]
        entered_at = run.entered_at if run else due.enters_at if due else None
        plan.append(
            PlannedStage(
                name=stage.name,
                environment=stage.environment,
                outcome=run.outcome if run else _outcome_without_visit(release, index),
                entered_at=run.entered_at if run else None,
                acts_at=_due_at(release, run, due, now) if run else due.acts_at if due else None,
                acted_at=run.acted_at if run else None,
                steps=_steps(stage, made, due, calendar),
                note=stage.trigger.note(entered_at) if entered_at else None,
            )
        )
    return plan


def shares_left(changes: Sequence[Change]) -> dict[str, Percentage]:
    """Return the share, in percent, at which the release left its rollout in each environment; only unfinished rollouts are included."""
    shares: dict[str, Percentage] = {}
    for change in changes:
        if "rollout" in change.after.named:
            shares.pop(change.environment, None)
            if change.after.rollout:
                shares[change.environment] = change.after.rollout.percent
    return shares


def _is_in_effect(run: StageRun, change: Change) -> bool:
    """True if a stage made the change and it has not been rolled back."""
    return change.undoes_from is None and run.outcome is not StageOutcome.ROLLED_BACK


def _due_at(release: Release, run: StageRun, due: ScheduledStage | None, now: datetime) -> datetime | None:
    """Return when a visited stage acted or will act; None if it won't act, or only after a person decides."""
    if release.is_under_way and run.visit == release.visit:
        return _due_on_current_visit(release, run, due, now)
    return None if run.outcome in _NEVER_ACTED else run.acts_at


def _due_on_current_visit(release: Release, run: StageRun, due: ScheduledStage | None, now: datetime) -> datetime | None:
    if release.status is ReleaseStatus.BLOCKED:
        return run.acts_at if run.acts_at and run.acts_at <= now else None
    return due.acts_at if due and release.acts_at and release.acts_at > now else release.acts_at


def _outcome_without_visit(release: Release, index: int) -> StageOutcome:
    return StageOutcome.PENDING if _is_ahead(release, index) else StageOutcome.NOT_RUN


def _is_ahead(release: Release, index: int) -> bool:
    return index > release.stage_index and release.is_under_way


def scheduled_ahead(release: Release, stages: Sequence[Stage], now: datetime, calendar: Calendar) -> dict[int, ScheduledStage]:
    """Return when the current stage and the later ones will act, at the earliest; nothing while a person has to decide."""
    if release.acts_at is None or release.status in (*FINISHED, ReleaseStatus.BLOCKED, ReleaseStatus.ROLLING_BACK):
        return {}
    return planned(stages, release.stage_index, max(release.acts_at, now), release.step, calendar)


def _steps(stage: Stage, made: Sequence[Change], due: ScheduledStage | None, calendar: Calendar) -> list[PlannedStep] | None:
    if stage.ramp is None:
        return None
    made_at = {change.step: change.made_at for change in made}
    first = min(len(made_at) + 1, stage.steps)
    acts_at = dict(steps_at(stage, first, due.due_at, calendar)) if due and len(made_at) < stage.steps else {}
    return [
        PlannedStep(percent=share, acts_at=acts_at.get(number), made_at=made_at.get(number))
        for number, share in enumerate(stage.ramp.shares, start=1)
    ]
