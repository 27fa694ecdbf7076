"""Timeouts and retry policies, by name."""

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

ACTIVITY_OPTIONS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""Retry forever, at most a minute apart: an outage is not a refusal."""

LOCAL_ACTIVITY_OPTIONS: dict[str, Any] = {
    "schedule_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=2), maximum_attempts=8),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""Write to the record within the workflow task, while the database is available.

The SDK applies the timeout to a running attempt only. The number of attempts ends the retries of those that fail at once, after about 9 s.
"""

LOCAL_READ_OPTIONS: dict[str, Any] = {
    **LOCAL_ACTIVITY_OPTIONS,
    "schedule_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=2), maximum_attempts=18),
}
"""Read the record within the workflow task. Attempts that fail at once are retried for about 29 s."""

DELIVERY_OPTIONS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)),
}
"""Retry forever while the database is down. A failing receiver does not fail the activity."""

RPC_TIMEOUT = timedelta(seconds=5)
UPDATE_TIMEOUT = timedelta(seconds=15)
"""The time that a request waits for a control to take effect."""
HEALTH_TIMEOUT = timedelta(seconds=1)
"""The most that an unresponsive Temporal delays a read."""
HEALTH_CACHE_TTL = timedelta(seconds=5)
