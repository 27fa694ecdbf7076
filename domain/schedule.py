"""When a stage acts. The workflow, the store, the answers and the simulation all ask here."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.pipeline import Stage
from domain.trigger import Trigger, WaitFor, WaitUntil


def due_at(trigger: Trigger, entered_at: datetime) -> datetime:
    """When a stage entered at that time becomes due; at once, where its point in time has passed."""
    match trigger:
        case WaitFor(duration=duration):
            return entered_at + duration
        case WaitUntil():
            return max(trigger.instant(), entered_at)
        case _:
            return entered_at


def has_passed(trigger: Trigger, entered_at: datetime) -> bool:
    """Whether a stage entered at that time acts at once because its point in time is over."""
    return isinstance(trigger, WaitUntil) and trigger.instant() < entered_at


def remaining(acts_at: datetime, at: datetime) -> timedelta:
    """How much of a wait is left, nothing where it is over."""
    return max(acts_at - at, timedelta(0))


def resumes_at(left: timedelta, at: datetime, until: datetime | None = None) -> datetime:
    """When a stage acts whose clock stood still with so much left of its wait, and goes on at that time; a point in time did not move."""
    return max(until, at) if until else at + left


def steps_at(stage: Stage, step: int, acts_at: datetime) -> Iterator[tuple[int, datetime]]:
    """When each step of a stage from that one on acts, if that one acts at `acts_at`: each is due so long after the one before was made."""
    every = stage.rollout.every if stage.rollout else timedelta(0)
    for number in range(step, stage.steps + 1):
        yield number, acts_at + every * (number - step)


class Due(NamedTuple):
    """When a stage is entered, when its next step acts, and when its last one has."""

    enters_at: datetime | None
    acts_at: datetime
    ends_at: datetime


def planned(stages: Sequence[Stage], index: int, acts_at: datetime, step: int = 1) -> dict[int, Due]:
    """When each stage from `index` on will act, if that one's step acts at `acts_at` and nothing comes between."""
    plan = {index: Due(None, acts_at, _ends_at(stages[index], step, acts_at))}
    for later in range(index + 1, len(stages)):
        enters_at = plan[later - 1].ends_at
        due = due_at(stages[later].trigger, enters_at)
        plan[later] = Due(enters_at, due, _ends_at(stages[later], 1, due))
    return plan


def simulated(stages: Sequence[Stage], start: int, at: datetime) -> dict[int, Due]:
    """When each stage from `start` on would act, if a flag entered that one at that time."""
    plan = planned(stages, start, due_at(stages[start].trigger, at))
    return plan | {start: plan[start]._replace(enters_at=at)}


def _ends_at(stage: Stage, step: int, acts_at: datetime) -> datetime:
    return max(at for _, at in steps_at(stage, step, acts_at))
