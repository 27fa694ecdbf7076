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
_CAUSES = (EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, EventType.EVENT_TYPE_TIMER_FIRED)


class TemporalAddress(NamedTuple):
    """The address of a Temporal server, and the namespace there."""

    address: str
    namespace: str = "default"


class ChangeInHistory(NamedTuple):
    """A change in a history: when its workflow could act, when Temporal completed it, and what the activity returned."""

    key: str
    caused: datetime
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


async def read_executions(temporal: TemporalAddress) -> list[Execution]:
    """Return every run of every workflow."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    found = [(each.id, each.run_id, each.workflow_type, each.status) async for each in client.list_workflows(rpc_timeout=CALL)]
    return [await _execution(client.get_workflow_handle(workflow, run_id=run), kind, status) for workflow, run, kind, status in found]


async def open_workflows(temporal: TemporalAddress) -> Counter[str]:
    """Return the number of open workflows of each type."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    return Counter([each.workflow_type async for each in client.list_workflows('ExecutionStatus = "Running"', rpc_timeout=CALL)])


async def _execution(handle: WorkflowHandle[Any, Any], kind: str, status: WorkflowExecutionStatus | None) -> Execution:
    events = (await handle.fetch_history(rpc_timeout=CALL)).events
    made = (*_made(events), *_made_locally(handle.id, events))
    learned = frozenset(_learned(events))
    return Execution(handle.id, kind, status.name if status else "", made, _paused(events), frozenset(_unanswered(events)), learned)


def _scheduled(events: Iterable[HistoryEvent]) -> dict[int, dict[str, Any]]:
    """Return the command of each change by a regular activity, by the number of the event that scheduled it."""
    found = ((event.event_id, event.activity_task_scheduled_event_attributes) for event in events)
    return {number: _document(scheduled.input) for number, scheduled in found if scheduled.activity_type.name == "change_flag"}


def _made(events: Sequence[HistoryEvent]) -> Iterator[ChangeInHistory]:
    """Return the changes that regular activities made, or found made by an attempt within a workflow task that was lost."""
    scheduled, caused = _scheduled(events), _caused(events)
    for event in events:
        completed = event.activity_task_completed_event_attributes
        if (number := completed.scheduled_event_id) in scheduled:
            yield from _change(_key(scheduled[number]), caused[number], _time(event), _document(completed.result))


def _made_locally(workflow: str, events: Sequence[HistoryEvent]) -> Iterator[ChangeInHistory]:
    """Return the changes that were made within workflow tasks. The id of such an activity names the visit and the step."""
    caused = _caused(events)
    for event, activity, answer in _local_answers(events):
        if activity["activity_type"] == "change_flag":
            key = activity["activity_id"].replace("change", workflow.split("/")[3], 1)
            yield from _change(key, caused[event.event_id], _time(event), answer)


def _caused(events: Iterable[HistoryEvent]) -> dict[int, datetime]:
    """Return for each event the time of the last one before it that lets a workflow act: its start or a timer.

    Workflow tasks and activities are no measure. A task that made several changes may be lost, and later ones report what it did.
    """
    last, caused = datetime.max.replace(tzinfo=UTC), dict[int, datetime]()
    for event in events:
        caused[event.event_id] = last
        if event.event_type in _CAUSES:
            last = _time(event)
    return caused


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
            yield _key(scheduled[ended])


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


def _change(key: str, caused: datetime, completed: datetime, answer: dict[str, Any]) -> Iterator[ChangeInHistory]:
    if answer["kind"] == "made":
        yield ChangeInHistory(key, caused, completed, datetime.fromisoformat(answer["made_at"]), answer["sequence"])


def _key(command: dict[str, Any]) -> str:
    return f"{command['release']}/{command['visit']}/{command.get('step', 1)}"


def _document(payloads: Any) -> dict[str, Any]:
    document: dict[str, Any] | None = json.loads(payloads.payloads[0].data or "null")  # A watch returns nothing.
    return document or {}
