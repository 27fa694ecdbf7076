"""Temporal's clock in a worker, whose own may be wrong."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity

LOOK_LASTS = timedelta(seconds=10)
"""The time after a look at what guards a stage within which the stage may act on it."""


class TemporalClock:
    """Temporal's clock, as last heard from it."""

    def __init__(self, heard: datetime) -> None:
        """Take the time that Temporal has told just now."""
        self.heard = heard
        self.monotonic = time.monotonic()

    def now(self) -> datetime:
        """Return the time by Temporal's clock, late by as long as hearing it took."""
        return self.heard + timedelta(seconds=time.monotonic() - self.monotonic)


class LookTooOld(Exception):
    """An attempt has waited too long since it looked at what guards its stage. The next one looks again."""


class AttemptClock(TemporalClock):
    """The clock of one attempt at an activity, which knows when the attempt has looked at what guards its stage."""

    looked_at: datetime | None = None

    def looked(self) -> None:
        """Note that the attempt has just looked."""
        self.looked_at = self.now()

    def time_of_decision(self) -> datetime:
        """Return the time now, at which the attempt decides. Raises LookTooOld if it has looked, but too long ago."""
        at = self.now()
        if self.looked_at and at - self.looked_at > LOOK_LASTS:
            raise LookTooOld(f"What guards the stage was last sampled {at - self.looked_at} ago, because of a slow database or provider.")
        return at


ClockOfAttempt = Callable[[datetime | None], AttemptClock]
"""A function like `clock_of_attempt`."""


def clock_of_attempt(asked_at: datetime | None) -> AttemptClock:
    """Return the clock of the current attempt at an activity, which the workflow asked for at that time by Temporal's clock.

    The first attempt may have been long ago. A local one knows its worker's clock only, but the time that passed since it was
    scheduled is right even if that clock is wrong. Without a time, the attempt is a regular one, which Temporal gave its time.
    """
    info = activity.info()
    return AttemptClock(info.started_time if asked_at is None else asked_at + (info.started_time - info.scheduled_time))
