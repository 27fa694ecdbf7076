"""What a release's workflow asks of its activities, each by its policy."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.changes import ChangeActivities
from activities.messages import ChangeFlag, HeldBack, Made, PutBack, Recorded, RecordProgress, Refused, Standing
from activities.progress import ReleaseActivities
from activities.rollback import RollbackActivities
from domain.errors import OwnerUnknown
from domain.releases.rollback import Rollback
from workflows.policies import PROVIDER_CALL, QUICK_LOOK, QUICK_RECORD
from workflows.release_steps import LONGEST_SUMMARY

ChangeResult = Made | HeldBack | Refused | Standing
"""What comes of a change that was not called off."""

HoldResult = Recorded | HeldBack | Refused | Standing
"""What comes of a hold whose wait is over."""

CANCEL_ATTEMPT = "call-off"
"""Workflows of 0.1 that were told to look while a stage acted went on waiting for it; their histories must replay."""


def is_to_be_rolled_back(standing: Standing) -> bool:
    """Whether a person asked for it and nobody has done it. What was blocked by earlier code, which knew no rollback, replays so."""
    return standing.rollback is not None and workflow.patched(f"rollback/{standing.rollback.n}")


def ends_by_cancelling(error: BaseException) -> bool:
    """Whether the workflow was cancelled; an attempt that fails of itself then is not tried again, and tells of its failure."""
    is_its_end = is_cancelled_exception(error) or isinstance(error, ActivityError)
    return is_its_end and workflow.cancellation_reason() is not None


async def change_flag(command: ChangeFlag, summary: str, is_called_off: Callable[[], bool]) -> ChangeResult | None:
    """Make a change, however long it takes; nothing if it was called off before it was made."""
    answer: ChangeResult | None = await _at_length(ChangeActivities.change_flag, command, summary, is_called_off)
    return answer


async def put_back(command: PutBack, rollback: Rollback, is_called_off: Callable[[], bool]) -> Standing | None:
    """Carry out a rollback, however long it takes; nothing if it was called off before."""
    summary = f"To be {rollback.in_words()}"[:LONGEST_SUMMARY]
    answer: Standing | None = await _at_length(RollbackActivities.put_back, command, summary, is_called_off)
    return answer


async def _at_length(method: Any, command: Any, summary: str, is_called_off: Callable[[], bool]) -> Any:
    """An attempt that runs when it is called off is waited for: what was made is told as made."""
    acting = workflow.start_activity_method(method, command, summary=summary, **PROVIDER_CALL)
    called_off = False
    try:
        await workflow.wait_condition(lambda: acting.done() or is_called_off())
        called_off = not acting.done() and workflow.patched(CANCEL_ATTEMPT)
    except asyncio.CancelledError:
        called_off = True
    if called_off:
        acting.cancel()
    try:
        return await acting
    except ActivityError:
        if not called_off:
            raise
        return None  # Also where the last attempt failed by itself: one that is cancelled is not tried again.


async def end_hold(command: RecordProgress, summary: str) -> HoldResult:
    """End a stage without actions, unless something holds it back."""
    method: Any = ReleaseActivities.record_progress
    answer: HoldResult = await _quickly_or_at_length(method, command, summary, QUICK_RECORD)
    return answer


async def record_progress(command: RecordProgress, summary: str) -> Recorded | Standing:
    """Write a step, within the workflow task where the database answers, and else however long it takes. Raises OwnerUnknown."""
    method: Any = ReleaseActivities.record_progress
    try:
        answer: Recorded | Standing = await _quickly_or_at_length(method, command, summary, QUICK_RECORD)
    except (ActivityError, ApplicationError) as error:
        if refused := _refused_by(error):
            raise OwnerUnknown(refused.message) from error
        raise
    return answer


async def read_standing(release: str) -> Standing:
    """Where the record stands."""
    method: Any = ReleaseActivities.read_standing
    answer: Standing = await _quickly_or_at_length(method, release, "look at the record", QUICK_LOOK)
    return answer


async def _quickly_or_at_length(method: Any, command: Any, summary: str, quickly: dict[str, Any]) -> Any:
    try:
        return await workflow.execute_local_activity_method(method, command, summary=summary, **quickly)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
    return await workflow.execute_activity_method(method, command, summary=summary, **PROVIDER_CALL)


def _refused_by(error: ActivityError | ApplicationError) -> ApplicationError | None:
    """The refusal of a decision of somebody who is not known; a local activity tells of it without an ActivityError around it."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause if isinstance(cause, ApplicationError) and cause.type == OwnerUnknown.__name__ else None
