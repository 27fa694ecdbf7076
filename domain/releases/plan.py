"""The plan of a release: every stage, with what became of it or when it will act."""

from collections.abc import Sequence
from datetime import datetime

from domain.flags.change import Change
from domain.model import Frozen, Moment
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.release import Release, StageRun
from domain.releases.schedule import Opens, ScheduledStage, by_calendar, planned, steps_at
from domain.releases.status import FINISHED, ReleaseStatus, StageOutcome

_NEVER_ACTED = frozenset({StageOutcome.REMOVED, StageOutcome.ROLLED_BACK, StageOutcome.SKIPPED})


class PlannedStep(Frozen):
    """A step of a rollout: the share that it leads to, in percent, when it was made or when it will act."""

    percent: int
    acts_at: Moment | None = None
    made_at: Moment | None = None


class PlannedStage(Frozen):
    """A stage of the plan, with what became of it or when it will act."""

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
    """Every stage of the pipeline: the latest visit to it, or what is still to come. What is ahead again was never visited, to the plan."""
    latest = {run.stage_index: run for run in sorted(runs, key=lambda run: run.visit) if not _comes_later(release, run.stage_index)}
    stages = with_fixed_times(definition.stages, release.parameters)
    opens = by_calendar(freezes)
    ahead = _ahead(release, stages, now, opens)
    plan = []
    for index, stage in enumerate(stages):
        run, due = latest.get(index), ahead.get(index)
        made = [change for change in changes if run and change.visit == run.visit and _stands(run, change)]
        entered_at = run.entered_at if run else due.enters_at if due else None
        plan.append(
            PlannedStage(
                name=stage.name,
                environment=stage.environment,
                outcome=run.outcome if run else _not_visited(release, index),
                entered_at=run.entered_at if run else None,
                acts_at=_due_at(release, run, due, now) if run else due.acts_at if due else None,
                acted_at=run.acted_at if run else None,
                steps=_steps(stage, made, due, opens),
                note=stage.trigger.note(entered_at) if entered_at else None,
            )
        )
    return plan


def shares_left(changes: Sequence[Change]) -> dict[str, int]:
    """Environment -> the share, in percent, at which the release's own changes left its rollout; nothing where it is over."""
    shares: dict[str, int] = {}
    for change in changes:
        if "rollout" in change.after.named:
            shares.pop(change.environment, None)
            if change.after.rollout:
                shares[change.environment] = change.after.rollout.percent
    return shares


def _stands(run: StageRun, change: Change) -> bool:
    """Whether a stage made the change and nobody has rolled it back."""
    return change.undoes_from is None and run.outcome is not StageOutcome.ROLLED_BACK


def _due_at(release: Release, run: StageRun, due: ScheduledStage | None, now: datetime) -> datetime | None:
    """When a stage that was entered was or will be due; nothing where it will not act, or not before a person says so."""
    if release.is_under_way and run.visit == release.visit:
        return _due_here(release, run, due, now)
    return None if run.outcome in _NEVER_ACTED else run.acts_at


def _due_here(release: Release, run: StageRun, due: ScheduledStage | None, now: datetime) -> datetime | None:
    if release.status is ReleaseStatus.BLOCKED:
        return run.acts_at if run.acts_at and run.acts_at <= now else None
    return due.acts_at if due and release.acts_at and release.acts_at > now else release.acts_at


def _not_visited(release: Release, index: int) -> StageOutcome:
    return StageOutcome.PENDING if _comes_later(release, index) else StageOutcome.NOT_RUN


def _comes_later(release: Release, index: int) -> bool:
    return index > release.stage_index and release.is_under_way


def _ahead(release: Release, stages: Sequence[Stage], now: datetime, opens: Opens) -> dict[int, ScheduledStage]:
    """When the stages ahead will act, the soonest from now on; unknown while a person has to decide."""
    if release.acts_at is None or release.status in (*FINISHED, ReleaseStatus.BLOCKED, ReleaseStatus.ROLLING_BACK):
        return {}
    return planned(stages, release.stage_index, max(release.acts_at, now), release.step, opens)


def _steps(stage: Stage, made: Sequence[Change], due: ScheduledStage | None, opens: Opens) -> list[PlannedStep] | None:
    if stage.rollout is None:
        return None
    made_at = {change.step: change.made_at for change in made}
    first = min(len(made_at) + 1, stage.steps)
    acts_at = dict(steps_at(stage, first, due.due_at, opens)) if due and len(made_at) < stage.steps else {}
    return [
        PlannedStep(percent=share, acts_at=acts_at.get(number), made_at=made_at.get(number))
        for number, share in enumerate(stage.rollout.shares, start=1)
    ]
