"""Hearing Temporal's clock, for a worker that has run nothing yet and whose own clock may be wrong."""

import asyncio
from datetime import datetime

from activities.temporal_clock import TemporalClock
from activities.watch import WatchActivities
from domain.system import TemporalStatus
from workflows.service.client import ReleaseClient

INTERVAL = 1.0
"""Seconds between two questions, and so the most by which the clock is late. It is never ahead."""


async def hear_clock(releases: ReleaseClient, watches: WatchActivities, before: TemporalStatus) -> None:
    """Ask when Temporal has last seen this worker poll, until that has changed since the status `before`: then it was a moment ago."""
    identity = releases.client.identity
    status = before
    while watches.clock is None:
        await asyncio.sleep(INTERVAL)
        latest = await releases.health()
        seen_at = _seen_at(latest, identity)
        if status.reachable and seen_at and seen_at != _seen_at(status, identity):
            watches.clock = TemporalClock(seen_at)
        status = latest


def _seen_at(status: TemporalStatus, identity: str) -> datetime | None:
    return next((worker.seen_at for worker in status.workers if worker.identity == identity), None)
