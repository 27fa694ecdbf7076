"""The time of the next attempt at an activity, if a flag system asks for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from activities.providers.errors import ProviderThrottled

LONGEST_WAIT = timedelta(minutes=5)


@contextmanager
def retried_when_told() -> Iterator[None]:
    """Let Temporal try again when a flag system that throttles says so, at the latest after five minutes."""
    try:
        yield
    except ProviderThrottled as throttled:
        delay = min(throttled.retry_after, LONGEST_WAIT) if throttled.retry_after else None
        raise ApplicationError(str(throttled), type=type(throttled).__name__, next_retry_delay=delay) from throttled
