"""How long we wait for what, and how often we try again."""

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

PROVIDER_CALL: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""For ever, at most a minute apart: an outage is no refusal."""

QUICK_RECORD: dict[str, Any] = {
    "schedule_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=2)),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""A record within the workflow task, where the database answers."""

QUICK_LOOK: dict[str, Any] = {**QUICK_RECORD, "schedule_to_close_timeout": timedelta(seconds=30)}

DELIVERY: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)),
}
"""For ever, as long as the database is down; what a receiver does is no failure of the activity."""

CALL_TO_TEMPORAL = timedelta(seconds=5)
CONTROL = timedelta(seconds=15)
"""How long a person waits until a control shows its effect."""
LOOK_AT_TEMPORAL = timedelta(seconds=1)
"""How long a question may be held up by a Temporal that doesn't answer."""
KEPT = timedelta(seconds=5)
"""How long what Temporal told is taken for true."""
