"""When a stage acts. The workflow, the store, the answers and the simulation all ask here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.pipelines.freeze import HORIZON, Freeze, next_opening
from domain.pipelines.pipeline import Stage


def remaining(acts_at: datetime, at: datetime) -> timedelta:
    """How much of a wait is left, nothing where it is over."""
    return max(acts_at - at, timedelta(0))


def bounded(left: timedelta, entered_at: datetime, acts_at: datetime, heard_at: datetime) -> timedelta:
    """How much of a wait is left where another clock, which may be wrong, said so much when it stopped.

    It stopped before this one heard of it, and after the wait began: nothing acts too soon, and nobody waits longer than the whole wait.
    """
    return max(remaining(acts_at, heard_at), min(left, remaining(acts_at, entered_at)))


def resumes_at(left: timedelta, at: datetime, until: datetime | None = None) -> datetime:
    """When a stage acts whose clock stood still with so much left of its wait, and goes on at that time; a point in time did not move."""
    return max(until, at) if until else at + left


Opens = Callable[[Stage, datetime], datetime]
"""When a stage that is due at that time may act, as far as windows and freezes say."""


def at_once(_stage: Stage, at: datetime) -> datetime:
    """Nothing keeps a stage from acting when it is due."""
    return at


def by_calendar(freezes: Sequence[Freeze]) -> Opens:
    """Stages act within their windows, and not in these freezes."""
    return lambda stage, at: next_opening(stage.gates, stage.environment, at, freezes).at or at + HORIZON


def steps_at(stage: Stage, step: int, due: datetime, opens: Opens = at_once) -> Iterator[tuple[int, datetime]]:
    """When each step of a stage from that one on acts, if that one is due then: each is due so long after the one before was made."""
    every = stage.rollout.every if stage.rollout else timedelta(0)
    for number in range(step, stage.steps + 1):
        acts_at = opens(stage, due)
        yield number, acts_at
        due = acts_at + every


class ScheduledStage(NamedTuple):
    """When a stage is entered, when it is due, when its next step acts, and when its last one has."""

    enters_at: datetime | None
    due_at: datetime
    acts_at: datetime
    ends_at: datetime


def planned(stages: Sequence[Stage], index: int, due: datetime, step: int = 1, opens: Opens = at_once) -> dict[int, ScheduledStage]:
    """When each stage from `index` on will act, if that one's step is due then and nothing comes between."""
    plan = {index: _due(None, stages[index], due, step, opens)}
    for later in range(index + 1, len(stages)):
        enters_at = plan[later - 1].ends_at
        plan[later] = _due(enters_at, stages[later], stages[later].trigger.due_at(enters_at), 1, opens)
    return plan


def simulated(stages: Sequence[Stage], start: int, at: datetime, opens: Opens = at_once) -> dict[int, ScheduledStage]:
    """When each stage from `start` on would act, if a flag entered that one at that time."""
    plan = planned(stages, start, stages[start].trigger.due_at(at), 1, opens)
    return plan | {start: plan[start]._replace(enters_at=at)}


def _due(enters_at: datetime | None, stage: Stage, due: datetime, step: int, opens: Opens) -> ScheduledStage:
    acts = [at for _, at in steps_at(stage, step, due, opens)]
    return ScheduledStage(enters_at, due, acts[0], acts[-1])
