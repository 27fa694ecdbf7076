"""The times at which stages act. The workflow, the store, the API and the simulation all compute them here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.pipelines.freeze import HORIZON, Freeze, next_opening
from domain.pipelines.pipeline import Stage


def remaining(acts_at: datetime, at: datetime) -> timedelta:
    """Return how much of a wait is left; zero if it is over."""
    return max(acts_at - at, timedelta(0))


def bounded(left: timedelta, entered_at: datetime, acts_at: datetime, noticed_at: datetime) -> timedelta:
    """Return the remaining wait as another clock reported it, within the bounds that this clock knows: the other may be wrong.

    The wait was stopped after it began and before this clock noticed. So nothing acts too early, or waits longer than the whole wait.
    """
    return max(remaining(acts_at, noticed_at), min(left, remaining(acts_at, entered_at)))


def resumes_at(left: timedelta, at: datetime, until: datetime | None = None) -> datetime:
    """Return when a stage acts that is resumed at that time with the rest of its wait. A fixed time (`until`) did not move."""
    return max(until, at) if until else at + left


Calendar = Callable[[Stage, datetime], datetime]
"""A function that returns when a stage that is due at that time may act, by its windows and by freezes."""


def always_open(_stage: Stage, at: datetime) -> datetime:
    """Let every stage act when it is due."""
    return at


def calendar_of(freezes: Sequence[Freeze]) -> Calendar:
    """Return the calendar in which stages act within their windows and outside these freezes."""
    return lambda stage, at: next_opening(stage.gates, stage.environment, at, freezes).at or at + HORIZON


def steps_at(stage: Stage, step: int, due: datetime, calendar: Calendar = always_open) -> Iterator[tuple[int, datetime]]:
    """Yield each step of a stage, from the given one on, and when it acts, if the given one is due then.

    Each step is due `every` after the previous one was carried out.
    """
    every = stage.ramp.every if stage.ramp else timedelta(0)
    for number in range(step, stage.steps + 1):
        acts_at = calendar(stage, due)
        yield number, acts_at
        due = acts_at + every


class ScheduledStage(NamedTuple):
    """The times at which a stage is entered, is due, carries out its next step, and has carried out its last one."""

    enters_at: datetime | None
    due_at: datetime
    acts_at: datetime
    ends_at: datetime


def planned(
    stages: Sequence[Stage], index: int, due: datetime, step: int = 1, calendar: Calendar = always_open
) -> dict[int, ScheduledStage]:
    """Return when each stage from `index` on will act, if the given step of that one is due then and nothing intervenes."""
    plan = {index: _scheduled(None, stages[index], due, step, calendar)}
    for later in range(index + 1, len(stages)):
        enters_at = plan[later - 1].ends_at
        plan[later] = _scheduled(enters_at, stages[later], stages[later].trigger.due_at(enters_at), 1, calendar)
    return plan


def simulated(stages: Sequence[Stage], start: int, at: datetime, calendar: Calendar = always_open) -> dict[int, ScheduledStage]:
    """Return when each stage from `start` on would act, if a flag entered that one at that time."""
    plan = planned(stages, start, stages[start].trigger.due_at(at), 1, calendar)
    return plan | {start: plan[start]._replace(enters_at=at)}


def _scheduled(enters_at: datetime | None, stage: Stage, due: datetime, step: int, calendar: Calendar) -> ScheduledStage:
    acts = [at for _, at in steps_at(stage, step, due, calendar)]
    return ScheduledStage(enters_at, due, acts[0], acts[-1])
