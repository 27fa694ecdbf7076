"""When a stage acts. The workflow, the store and the answers all ask here."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.pipeline import Stage
from domain.trigger import OnEnter, Trigger


def due_at(trigger: Trigger, entered_at: datetime) -> datetime:
    """When a stage entered at that time becomes due."""
    return entered_at if isinstance(trigger, OnEnter) else entered_at + trigger.duration


def remaining(acts_at: datetime, at: datetime) -> timedelta:
    """How much of a wait is left, nothing where it is over."""
    return max(acts_at - at, timedelta(0))


def resumes_at(left: timedelta, at: datetime) -> datetime:
    """When a stage acts whose clock stood still with so much left of its wait, and goes on at that time."""
    return at + left


def planned(stages: Sequence[Stage], index: int, acts_at: datetime) -> dict[int, datetime]:
    """When each stage from `index` on will act, if that one acts at `acts_at` and nothing comes between."""
    plan = {index: acts_at}
    for later in range(index + 1, len(stages)):
        plan[later] = due_at(stages[later].trigger, plan[later - 1])
    return plan
