"""A clock that stands still during an attempt, for tests that name exact times."""

from datetime import datetime

from activities.temporal_clock import AttemptClock, clock_of_attempt


class StillClock(AttemptClock):
    """Always shows the time at which the attempt began."""

    def now(self) -> datetime:
        """Return the time at which the attempt began."""
        return self.heard


def still_clock(asked_at: datetime | None) -> StillClock:
    """Return the clock of the current attempt, which stands still."""
    return StillClock(clock_of_attempt(asked_at).heard)
