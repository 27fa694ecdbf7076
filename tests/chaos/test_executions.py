"""The reading of Temporal's histories."""

import json
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from tests.chaos.executions import _made

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COMMAND = {"release": "r1", "visit": 2, "step": 1}


def at(seconds: float, number: int, kind: str) -> HistoryEvent:
    """Return an event at that many seconds after the start."""
    event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{kind}"))
    event.event_time.FromDatetime(START + timedelta(seconds=seconds))
    getattr(event, f"{kind.lower()}_event_attributes").SetInParent()
    return event


def payloads(document: object) -> Payloads:
    """Return the document as Temporal keeps it."""
    return Payloads(payloads=[Payload(data=json.dumps(document).encode())])


def history(*, is_tried_locally: bool) -> list[HistoryEvent]:
    """Return the history of a change whose first workflow task was lost after 10 s."""
    failed = at(12, 5, "MARKER_RECORDED")
    failed.marker_recorded_event_attributes.marker_name = "core_local_activity"
    failed.marker_recorded_event_attributes.details["data"].CopyFrom(
        payloads({"activity_id": "change/2/1" if is_tried_locally else "change/1/1", "activity_type": "change_flag"})
    )
    scheduled = at(12, 6, "ACTIVITY_TASK_SCHEDULED")
    attributes = scheduled.activity_task_scheduled_event_attributes
    attributes.activity_id, attributes.activity_type.name = "change/2/1", "change_flag"
    attributes.input.CopyFrom(payloads(COMMAND))
    completed = at(14, 7, "ACTIVITY_TASK_COMPLETED")
    completed.activity_task_completed_event_attributes.scheduled_event_id = 6
    result = {"kind": "made", "made_at": (START + timedelta(seconds=1)).isoformat(), "sequence": 2}
    completed.activity_task_completed_event_attributes.result.CopyFrom(payloads(result))
    return [
        at(0, 1, "WORKFLOW_TASK_SCHEDULED"),
        at(10, 2, "WORKFLOW_TASK_TIMED_OUT"),
        at(10, 3, "WORKFLOW_TASK_SCHEDULED"),
        at(12, 4, "WORKFLOW_TASK_COMPLETED"),
        failed,
        scheduled,
        completed,
    ]


def test_change_tried_within_a_lost_workflow_task_was_scheduled_with_that_task() -> None:
    (change,) = _made(history(is_tried_locally=True))
    assert (change.key, change.scheduled, change.completed) == ("r1/2/1", START, START + timedelta(seconds=14))


def test_other_change_was_scheduled_with_its_own_activity() -> None:
    (change,) = _made(history(is_tried_locally=False))
    assert change.scheduled == START + timedelta(seconds=12)
