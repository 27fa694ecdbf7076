"""Temporal's histories as plain data."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from tests.waiting import CEILING

CALL = timedelta(seconds=CEILING)


class ChangeInHistory(NamedTuple):
    """A change in a history: when Temporal scheduled and completed it, and what the activity returned."""

    key: str
    scheduled: datetime
    completed: datetime
    made_at: datetime
    sequence: int


class Execution(NamedTuple):
    """One run of one workflow."""

    workflow: str
    type: str
    status: str
    made: tuple[ChangeInHistory, ...]
    paused: datetime | None = None
    """The time at which it first read the record after a pause."""
    unanswered: frozenset[str] = frozenset()
    """The keys of changes that were cancelled while they were under way, and that returned nothing."""
    learned: frozenset[int] = frozenset()
    """The sequences of steps that it learned of from the record, because the workflow task that made them was lost."""


async def read_executions(address: str) -> list[Execution]:
    """Return every run of every workflow."""
    client = await Client.connect(address)
    found = [(each.id, each.run_id, each.workflow_type, each.status) async for each in client.list_workflows(rpc_timeout=CALL)]
    return [await _execution(client.get_workflow_handle(workflow, run_id=run), kind, status) for workflow, run, kind, status in found]


async def open_workflows(address: str) -> Counter[str]:
    """Return the number of open workflows of each type."""
    client = await Client.connect(address)
    return Counter([each.workflow_type async for each in client.list_workflows('ExecutionStatus = "Running"', rpc_timeout=CALL)])


async def _execution(handle: WorkflowHandle[Any, Any], kind: str, status: WorkflowExecutionStatus | None) -> Execution:
    events = (await handle.fetch_history(rpc_timeout=CALL)).events
    made = (*_made(events), *_made_locally(handle.id, events))
    learned = frozenset(_learned(events))
    return Execution(handle.id, kind, status.name if status else "", made, _paused(events), frozenset(_unanswered(events)), learned)


def _scheduled(events: Sequence[HistoryEvent]) -> dict[int, tuple[dict[str, Any], datetime]]:
    """Return the command of each scheduled change by the number of its event, and when it, or an attempt before it, was scheduled."""
    scheduled_changes = dict[int, tuple[dict[str, Any], datetime]]()
    begun, tried_locally = _begun(events), set(_tried_locally(events))
    for event in events:
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == "change_flag":
            at = begun[event.event_id] if scheduled.activity_id in tried_locally else _time(event)
            scheduled_changes[event.event_id] = _document(scheduled.input), at
    return scheduled_changes


def _tried_locally(events: Iterable[HistoryEvent]) -> Iterator[str]:
    """Return the id of each activity that failed within a workflow task. A regular activity with the same id follows."""
    for event in events:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name == "core_local_activity" and "result" not in marker.details:
            yield _document(marker.details["data"])["activity_id"]


def _made(events: Sequence[HistoryEvent]) -> Iterator[ChangeInHistory]:
    """Return the changes that regular activities made, or found made by an attempt within a workflow task that was lost."""
    scheduled = _scheduled(events)
    for event in events:
        completed = event.activity_task_completed_event_attributes
        if completed.scheduled_event_id in scheduled:
            command, at = scheduled[completed.scheduled_event_id]
            yield from _change(_key(command), at, _time(event), _document(completed.result))


def _made_locally(workflow: str, events: Sequence[HistoryEvent]) -> Iterator[ChangeInHistory]:
    """Return the changes that were made within workflow tasks. The id of such an activity names the visit and the step."""
    scheduled = _begun(events)
    for event, activity, answer in _local_answers(events):
        if activity["activity_type"] == "change_flag":
            key = activity["activity_id"].replace("change", workflow.split("/")[3], 1)
            yield from _change(key, scheduled[event.event_id], _time(event), answer)


def _begun(events: Iterable[HistoryEvent]) -> dict[int, datetime]:
    """Return for each event when Temporal scheduled its workflow task: the first one, if it was lost or handed on unfinished.

    A task that has done something has left an event that names it. One that is handed on is scheduled as the one before it completes.
    """
    begun, completed, has_acted, times = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), True, dict[int, datetime]()
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            completed = _time(event)
        elif hasattr(getattr(event, event.WhichOneof("attributes") or ""), "workflow_task_completed_event_id"):
            has_acted = True
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED and has_acted and not _is_at(event, completed):
            begun, has_acted = _time(event), False
        times[event.event_id] = begun
    return times


def _is_at(event: HistoryEvent, at: datetime) -> bool:
    return abs(_time(event) - at) < timedelta(milliseconds=50)


def _local_answers(events: Iterable[HistoryEvent]) -> Iterator[tuple[HistoryEvent, dict[str, Any], dict[str, Any]]]:
    """Return what each local activity returned, with its event, its type and its id."""
    for event in events:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name == "core_local_activity" and "result" in marker.details:
            yield event, _document(marker.details["data"]), _document(marker.details["result"])


def _learned(events: Sequence[HistoryEvent]) -> Iterator[int]:
    """Return the sequences that an answer was ahead of all earlier ones by more than its own step."""
    local = {event.event_id: answer for event, _, answer in _local_answers(events)}
    known = 0
    for event in events:
        result = event.activity_task_completed_event_attributes.result
        answer = local.get(event.event_id) or (_document(result) if result.payloads else {})
        if "sequence" in answer:
            own = 0 if answer["kind"] == "standing" else 1
            yield from range(known + 1, answer["sequence"] + 1 - own)
            known = max(known, answer["sequence"])


def _unanswered(events: Sequence[HistoryEvent]) -> Iterator[str]:
    scheduled = _scheduled(events)
    cancelled = {event.activity_task_cancel_requested_event_attributes.scheduled_event_id for event in events}
    for event in events:
        ended = event.activity_task_timed_out_event_attributes.scheduled_event_id
        ended = ended or event.activity_task_canceled_event_attributes.scheduled_event_id
        if ended in scheduled and ended in cancelled:
            yield _key(scheduled[ended][0])


def _paused(events: Iterable[HistoryEvent]) -> datetime | None:
    is_notified = False
    for event in events:
        is_notified = is_notified or _is_pause(event)
        if is_notified and event.marker_recorded_event_attributes.marker_name == "core_local_activity":
            return _time(event)
    return None


def _is_pause(event: HistoryEvent) -> bool:
    """True if it is the signal of a pause."""
    signal = event.workflow_execution_signaled_event_attributes
    payload = signal.input.payloads[0].data if signal.input.payloads else b""
    return bool(payload) and json.loads(payload)["event"] == "release.paused"


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)


def _change(key: str, scheduled: datetime, completed: datetime, answer: dict[str, Any]) -> Iterator[ChangeInHistory]:
    if answer["kind"] == "made":
        yield ChangeInHistory(key, scheduled, completed, datetime.fromisoformat(answer["made_at"]), answer["sequence"])


def _key(command: dict[str, Any]) -> str:
    return f"{command['release']}/{command['visit']}/{command.get('step', 1)}"


def _document(payloads: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(payloads.payloads[0].data)
    return document
