"""Calls from a release's workflow to its activities, each with its retry policy."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.changes import ChangeActivities
from activities.messages import (
    ChangeFlag,
    HeldBack,
    Made,
    PutBack,
    ReadStanding,
    Recorded,
    RecordProgress,
    Refused,
    ReleaseCommand,
    Standing,
)
from activities.progress import ReleaseActivities
from activities.rollback import RollbackActivities
from domain.errors import OwnerUnknown
from domain.releases.rollback import Rollback
from workflows.policies import ACTIVITY_OPTIONS, ELSEWHERE_OPTIONS, LOCAL_ACTIVITY_OPTIONS, URGENT_ACTIVITY_OPTIONS
from workflows.web_ui import rollback_summary

ChangeResult = Made | HeldBack | Refused | Standing
"""The result of a change that was not cancelled."""

HoldResult = Recorded | HeldBack | Refused | Standing
"""The result of ending a hold."""

CANCEL_ATTEMPT = "call-off"
"""A patch id of older runs. Workflows of 0.1 kept waiting for an attempt after `look_again`; their histories must replay."""


def has_pending_rollback(standing: Standing, *, is_current: bool) -> bool:
    """True if a rollback was requested and not carried out. Older runs ask for a patch, because their first workers knew no rollbacks."""
    return standing.rollback is not None and (is_current or workflow.patched(f"rollback/{standing.rollback.n}"))


def is_workflow_cancellation(error: BaseException) -> bool:
    """True if the error comes from the workflow's cancellation: an attempt that fails by itself after it is not retried either."""
    ends_activity = is_cancelled_exception(error) or isinstance(error, ActivityError)
    return ends_activity and workflow.cancellation_reason() is not None


def raise_if_cancelled() -> None:
    """Raise CancelledError after the workflow's cancel. An activity that ends normally swallows one that arrives while it runs."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


async def change_flag(
    command: ChangeFlag, summary: str, should_cancel: Callable[[], bool], *, locally_at: datetime | None, is_current: bool
) -> ChangeResult | None:
    """Make a change, however long it takes. Returns None if it was cancelled before it was made.

    With the time at which it is made locally, it is tried within the workflow task first.
    """
    if locally_at and (made := await _change_flag_locally(command.model_copy(update={"at": locally_at}), summary)):
        return made
    call = _Call(ChangeActivities.change_flag, command, summary, _change_id(command), _options(ACTIVITY_OPTIONS, command))
    answer: ChangeResult | None = await _execute_cancellable(call, should_cancel, is_current=is_current)
    return answer


async def _change_flag_locally(command: ChangeFlag, summary: str) -> ChangeResult | None:
    """Make a change within the workflow task. Returns None if the only attempt failed or timed out."""
    method: Any = ChangeActivities.change_flag
    options = LOCAL_ACTIVITY_OPTIONS | {"activity_id": _change_id(command), "summary": summary}
    try:
        answer: ChangeResult = await workflow.execute_local_activity_method(method, _with_first_run(command), **options)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return None
    except ApplicationError:  # The failure of the attempt, without an ActivityError around it.
        return None
    return answer


def _change_id(command: ChangeFlag) -> str:
    return f"change/{command.visit}/{command.step}"


async def put_back(command: PutBack, rollback: Rollback, should_cancel: Callable[[], bool], *, is_current: bool) -> Standing | None:
    """Carry out a rollback, however long it takes. Returns None if it was cancelled before it was done."""
    options = _options(URGENT_ACTIVITY_OPTIONS, command)
    call = _Call(RollbackActivities.put_back, command, rollback_summary(rollback), f"rollback/{rollback.n}", options)
    answer: Standing | None = await _execute_cancellable(call, should_cancel, is_current=is_current)
    return answer


def _options(usual: dict[str, Any], command: ChangeFlag | PutBack) -> dict[str, Any]:
    return usual | ELSEWHERE_OPTIONS if command.elsewhere else usual


class _Call(NamedTuple):
    """A call of an activity, with what the Temporal Web UI shows of it."""

    method: Any
    command: ReleaseCommand
    summary: str
    activity_id: str
    options: dict[str, Any]


async def _execute_cancellable(call: _Call, should_cancel: Callable[[], bool], *, is_current: bool) -> Any:
    """Wait for a running attempt even after cancelling it: a committed change must be reported."""
    options = call.options | ({"activity_id": call.activity_id} if is_current else {})
    attempt = workflow.start_activity_method(call.method, _with_first_run(call.command), summary=call.summary, **options)
    cancelled = False
    try:
        await workflow.wait_condition(lambda: attempt.done() or should_cancel())
        cancelled = not attempt.done() and (is_current or workflow.patched(CANCEL_ATTEMPT))
    except asyncio.CancelledError:
        cancelled = True
    if cancelled:
        attempt.cancel()
    try:
        return await attempt
    except ActivityError:
        if not cancelled:
            raise
        return None  # The last attempt may have failed by itself: an attempt that is cancelled is not retried.


async def end_hold(command: RecordProgress, summary: str, *, locally: bool = True) -> HoldResult:
    """End a hold, unless something holds it back. One whose metrics are asked first is not ended within the workflow task."""
    method: Any = ReleaseActivities.record_progress
    if not locally:
        sampled: HoldResult = await workflow.execute_activity_method(method, _with_first_run(command), summary=summary, **ACTIVITY_OPTIONS)
        return sampled
    answer: HoldResult = await _execute_local_first(method, command, summary, ACTIVITY_OPTIONS)
    return answer


async def record_progress(command: RecordProgress, summary: str) -> Recorded | Standing:
    """Record a step, however long it takes. Raises OwnerUnknown."""
    method: Any = ReleaseActivities.record_progress
    try:
        answer: Recorded | Standing = await _execute_local_first(method, command, summary, URGENT_ACTIVITY_OPTIONS)
    except (ActivityError, ApplicationError) as error:
        if owner_unknown := _owner_unknown(error):
            raise OwnerUnknown(owner_unknown.message) from error
        raise
    return answer


async def read_standing(release: str) -> Standing:
    """Read the state of the record."""
    method: Any = ReleaseActivities.read_standing
    answer: Standing = await _execute_local_first(method, ReadStanding(release=release), "Read the record", URGENT_ACTIVITY_OPTIONS)
    return answer


async def _execute_local_first(method: Any, command: ReleaseCommand, summary: str, options: dict[str, Any]) -> Any:
    """Run the activity within the workflow task. If it fails or times out, run it as a regular one with those options."""
    command = _with_first_run(command)
    try:
        return await workflow.execute_local_activity_method(method, command, summary=summary, **LOCAL_ACTIVITY_OPTIONS)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
    except ApplicationError as error:  # The failure of the last local attempt, without an ActivityError around it.
        if error.non_retryable:
            raise
    return await workflow.execute_activity_method(method, command, summary=summary, **options)


def _with_first_run(command: ReleaseCommand) -> ReleaseCommand:
    return command.model_copy(update={"first_run": workflow.info().original_execution_run_id})


def _owner_unknown(error: ActivityError | ApplicationError) -> ApplicationError | None:
    """Return the refusal of a decision by an unknown owner. A local activity raises it without an ActivityError around it."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return cause if isinstance(cause, ApplicationError) and cause.type == OwnerUnknown.__name__ else None
