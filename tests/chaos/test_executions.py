"""The reading of Temporal's histories."""

import json
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from tests.chaos.executions import ChangeInHistory, _made, _made_locally

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(seconds: float, number: int, kind: str) -> HistoryEvent:
    """Return an event at that many seconds after the start."""
    event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{kind}"))
    event.event_time.FromDatetime(START + timedelta(seconds=seconds))
    getattr(event, f"{kind.lower()}_event_attributes").SetInParent()
    return event


def payloads(document: object) -> Payloads:
    """Return the document as Temporal keeps it."""
    return Payloads(payloads=[Payload(data=json.dumps(document).encode())])


MADE = payloads({"kind": "made", "made_at": (START + timedelta(seconds=1)).isoformat(), "sequence": 2})


def timer_fired_and_task_lost() -> list[HistoryEvent]:
    """Return the beginning of a history: a change was made within a workflow task that was lost after 10 s."""
    return [
        at(0, 1, "TIMER_FIRED"),
        at(0, 2, "WORKFLOW_TASK_SCHEDULED"),
        at(10, 3, "WORKFLOW_TASK_TIMED_OUT"),
        at(10, 4, "WORKFLOW_TASK_SCHEDULED"),
        at(12, 5, "WORKFLOW_TASK_COMPLETED"),
    ]


def test_change_of_a_lost_workflow_task_found_by_a_regular_activity_was_caused_by_the_timer() -> None:
    scheduled, completed = at(12, 6, "ACTIVITY_TASK_SCHEDULED"), at(14, 7, "ACTIVITY_TASK_COMPLETED")
    scheduled.activity_task_scheduled_event_attributes.activity_type.name = "change_flag"
    scheduled.activity_task_scheduled_event_attributes.input.CopyFrom(payloads({"release": "r1", "visit": 2, "step": 1}))
    completed.activity_task_completed_event_attributes.scheduled_event_id = 6
    completed.activity_task_completed_event_attributes.result.CopyFrom(MADE)

    assert list(_made([*timer_fired_and_task_lost(), scheduled, completed])) == [
        ChangeInHistory("r1/2/1", START, START + timedelta(seconds=14), START + timedelta(seconds=1), 2)
    ]


def test_change_of_a_lost_workflow_task_found_by_the_next_one_was_caused_by_the_timer() -> None:
    marker = at(12, 6, "MARKER_RECORDED")
    marker.marker_recorded_event_attributes.marker_name = "core_local_activity"
    activity = {"activity_id": "change/2/1", "activity_type": "change_flag"}
    marker.marker_recorded_event_attributes.details["data"].CopyFrom(payloads(activity))
    marker.marker_recorded_event_attributes.details["result"].CopyFrom(MADE)

    assert list(_made_locally("release/shop/checkout/r1", [*timer_fired_and_task_lost(), marker])) == [
        ChangeInHistory("r1/2/1", START, START + timedelta(seconds=12), START + timedelta(seconds=1), 2)
    ]
