"""Temporal's clock in a worker, whose own may be wrong."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity


class TemporalClock:
    """Temporal's clock, as last heard from it."""

    def __init__(self, heard: datetime) -> None:
        """Take the time that Temporal has told just now."""
        self.heard = heard
        self.monotonic = time.monotonic()

    def now(self) -> datetime:
        """Return the time by Temporal's clock, late by as long as hearing it took."""
        return self.heard + timedelta(seconds=time.monotonic() - self.monotonic)


ClockOfAttempt = Callable[[datetime | None], TemporalClock]
"""A function like `clock_of_attempt`."""


def clock_of_attempt(asked_at: datetime | None) -> TemporalClock:
    """Return the clock of the current attempt at an activity, which the workflow asked for at that time by Temporal's clock.

    The first attempt may have been long ago. A local one knows its worker's clock only, but the time that passed since it was
    scheduled is right even if that clock is wrong. Without a time, the attempt is a regular one, which Temporal gave its time.
    """
    info = activity.info()
    return TemporalClock(info.started_time if asked_at is None else asked_at + (info.started_time - info.scheduled_time))
