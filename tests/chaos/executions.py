"""What Temporal's own histories say, as plain data."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from temporalio.api.enums.v1 import EventType
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
    """When it first heard that it was paused."""


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
    paused = [_time(event) for event in events if _is_pause(event)]
    return Execution(handle.id, kind, status.name if status else "", tuple(_made(events)), min(paused, default=None))


def _made(events: Iterable[HistoryEvent]) -> Iterator[MadeByTemporal]:
    asked = dict[int, tuple[dict[str, Any], datetime]]()
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name == "change_flag":
                asked[event.event_id] = _document(scheduled.input), _time(event)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            completed = event.activity_task_completed_event_attributes
            if completed.scheduled_event_id in asked:
                yield from _pair(*asked[completed.scheduled_event_id], _time(event), _document(completed.result))


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
    key = f"{command['release']}/{command['visit']}/{command.get('step', 1)}"
    due, made_at = (datetime.fromisoformat(moment) for moment in (command["acts_at"], answer["made_at"]))
    return [MadeByTemporal(key, due, asked, answered, made_at, answer["sequence"])]


def _document(payloads: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(payloads.payloads[0].data)
    return document
