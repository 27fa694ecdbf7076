"""Timeouts and retry policies, by name."""

from datetime import timedelta
from typing import Any

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType

from workflows.messages import WATCH_QUEUE

URGENT = Priority(priority_key=1)
"""Tasks that pass all others that wait. The fairness key is inherited."""

USUAL = Priority(priority_key=3)
"""Tasks in their turn, also those of a workflow that was made urgent for its next decision."""

ACTIVITY_OPTIONS: dict[str, Any] = {
    "priority": USUAL,
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""Retry forever, in a long outage every five minutes: an outage is not a refusal. When it is over, the reconciler wakes those that wait."""

URGENT_ACTIVITY_OPTIONS: dict[str, Any] = {**ACTIVITY_OPTIONS, "priority": URGENT}
"""The same before all that are due: a rollback, or what a person decided."""

ELSEWHERE_OPTIONS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": timedelta(seconds=15),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)),
}
"""The options that differ for an activity that calls another flag system.

It sends a heartbeat between two calls, each of which ends within eight seconds. Nothing wakes the attempts when the other system is
back, so they are at most half a minute apart.
"""

LOCAL_ACTIVITY_OPTIONS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=25),
    "retry_policy": RetryPolicy(maximum_attempts=1),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""Read or write the record within the workflow task. If the only attempt fails, a regular activity follows.

The time is that of the attempt. The wait for a free slot does not count, so a burst of holds that end together does not time out.
"""

WATCH_HEARTBEAT = timedelta(minutes=5)
"""The time without a heartbeat after which Temporal starts a watch again. Before that, another worker takes it over within seconds."""

WATCH_OPTIONS: dict[str, Any] = {
    "task_queue": WATCH_QUEUE,
    "priority": USUAL,
    "start_to_close_timeout": timedelta(days=30),
    "heartbeat_timeout": WATCH_HEARTBEAT,
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=10)),
    "cancellation_type": ActivityCancellationType.TRY_CANCEL,
}
"""Watch a stage for as long as a flag is in it. One that is still there after a month is watched by a new attempt."""

DELIVERY_OPTIONS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)),
}
"""Retry forever while the database is down, at most a minute apart: few webhooks wait. A failing receiver does not fail the activity."""

RPC_TIMEOUT = timedelta(seconds=5)
UPDATE_TIMEOUT = timedelta(seconds=15)
"""The time that a request waits for a control to take effect."""
HEALTH_TIMEOUT = timedelta(seconds=1)
"""The most that an unresponsive Temporal delays a read."""
HEALTH_CACHE_TTL = timedelta(seconds=5)
