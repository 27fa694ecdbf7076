"""What Temporal's own histories say, as plain data."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

CALL = timedelta(seconds=30)


class MadeByTemporal(NamedTuple):
    """A change that Temporal had made: when it asked, when it was answered, and what it was told."""

    key: str
    due: datetime
    asked: datetime
    answered: datetime
    made_at: datetime
    sequence: int


class Execution(NamedTuple):
    """One run of one workflow."""

    workflow: str
    type: str
    status: str
    made: tuple[MadeByTemporal, ...]
    paused: datetime | None = None
    """When it first had looked at the record after it was told of a pause."""
    unanswered: frozenset[str] = frozenset()
    """Keys of changes that a control called off while they were under way, and that ended without an answer."""


async def read_executions(address: str) -> list[Execution]:
    """Every run of every workflow that Temporal knows."""
    client = await Client.connect(address)
    found = [(each.id, each.run_id, each.workflow_type, each.status) async for each in client.list_workflows(rpc_timeout=CALL)]
    return [await _execution(client.get_workflow_handle(workflow, run_id=run), kind, status) for workflow, run, kind, status in found]


async def open_workflows(address: str) -> Counter[str]:
    """How many workflows of each type Temporal has not ended."""
    client = await Client.connect(address)
    return Counter([each.workflow_type async for each in client.list_workflows('ExecutionStatus = "Running"', rpc_timeout=CALL)])


async def _execution(handle: WorkflowHandle[Any, Any], kind: str, status: WorkflowExecutionStatus | None) -> Execution:
    events = (await handle.fetch_history(rpc_timeout=CALL)).events
    made, unanswered = tuple(_made(events)), frozenset(_unanswered(events))
    return Execution(handle.id, kind, status.name if status else "", made, _paused(events), unanswered)


def _asked(events: Iterable[HistoryEvent]) -> dict[int, tuple[dict[str, Any], datetime]]:
    """Each change that was asked for, by the number of its event, and when."""
    asked = dict[int, tuple[dict[str, Any], datetime]]()
    for event in events:
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == "change_flag":
            asked[event.event_id] = _document(scheduled.input), _time(event)
    return asked


def _made(events: Sequence[HistoryEvent]) -> Iterator[MadeByTemporal]:
    asked = _asked(events)
    for event in events:
        completed = event.activity_task_completed_event_attributes
        if completed.scheduled_event_id in asked:
            yield from _pair(*asked[completed.scheduled_event_id], _time(event), _document(completed.result))


def _unanswered(events: Sequence[HistoryEvent]) -> Iterator[str]:
    asked = _asked(events)
    called_off = {event.activity_task_cancel_requested_event_attributes.scheduled_event_id for event in events}
    for event in events:
        ended = event.activity_task_timed_out_event_attributes.scheduled_event_id
        ended = ended or event.activity_task_canceled_event_attributes.scheduled_event_id
        if ended in asked and ended in called_off:
            yield _key(asked[ended][0])


def _paused(events: Iterable[HistoryEvent]) -> datetime | None:
    is_told = False
    for event in events:
        is_told = is_told or _is_pause(event)
        if is_told and event.marker_recorded_event_attributes.marker_name == "core_local_activity":
            return _time(event)
    return None


def _is_pause(event: HistoryEvent) -> bool:
    """Whether it is the signal that tells of a pause."""
    signal = event.workflow_execution_signaled_event_attributes
    told = signal.input.payloads[0].data if signal.input.payloads else b""
    return bool(told) and json.loads(told)["event"] == "release.paused"


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)


def _pair(command: dict[str, Any], asked: datetime, answered: datetime, answer: dict[str, Any]) -> list[MadeByTemporal]:
    if answer["kind"] != "made":
        return []
    due, made_at = (datetime.fromisoformat(moment) for moment in (command["acts_at"], answer["made_at"]))
    return [MadeByTemporal(_key(command), due, asked, answered, made_at, answer["sequence"])]


def _key(command: dict[str, Any]) -> str:
    return f"{command['release']}/{command['visit']}/{command.get('step', 1)}"


def _document(payloads: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(payloads.payloads[0].data)
    return document
