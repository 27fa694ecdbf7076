"""The thinner: deletes most passing samples once they are old. Failed and unknown ones stay, as evidence."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from activities.store.database import Database
from activities.store.identifiers import new_id

log = structlog.get_logger()

INTERVAL = timedelta(minutes=10)
KEPT_WHOLE = timedelta(days=1)
"""The age up to which every sample is kept."""
LONGEST_DOWN = timedelta(days=1)
"""If no worker runs for longer than this, some old samples are never thinned. Each run reads only this much."""
KEPT_EVERY = timedelta(minutes=10)
"""The time between two passing samples that are kept after that."""


class Thinner:
    """A loop that runs in one worker at a time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.holder = new_id()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.thin)
            except Exception as error:
                log.warning("thinner_failed", error=str(error))
            await asyncio.sleep(INTERVAL.total_seconds())

    def thin(self) -> None:
        """Thin the samples that are old enough, if no other worker does."""
        now = datetime.now(UTC)
        with self.database.transaction() as store:
            if not store.leases.take("thinner", self.holder, now, INTERVAL * 2):
                return
        with self.database.transaction() as store:
            store.evidence.thin(now - KEPT_WHOLE - LONGEST_DOWN, now - KEPT_WHOLE, KEPT_EVERY)
