"""The settler: closes intended changes whose release has moved on and never came back to them, such as one that was removed."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from activities.providers.elsewhere import FlagsElsewhere
from activities.settling import settle
from activities.store.database import Database
from activities.store.identifiers import new_id
from domain.errors import NotFound
from domain.flags.change import Change

log = structlog.get_logger()

INTERVAL = timedelta(seconds=15)
PATIENCE = timedelta(seconds=90)
"""The age from which no attempt at a change can still be under way."""
MOST = 50


class Settler:
    """A loop that runs in one worker at a time."""

    def __init__(self, database: Database, flags: FlagsElsewhere, patience: timedelta = PATIENCE) -> None:
        self.database = database
        self.flags = flags
        self.patience = patience
        self.holder = new_id()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.settle_all)
            except Exception as error:
                log.warning("settler_failed", error=str(error))
            await asyncio.sleep(INTERVAL.total_seconds())

    def settle_all(self) -> None:
        """Settle what is old enough, if no other worker does."""
        now = datetime.now(UTC)
        with self.database.reading() as store:
            waiting = store.intents.opened_before(now - self.patience, MOST)
        if not waiting:
            return
        with self.database.transaction() as store:
            if not store.leases.take("settler", self.holder, now, INTERVAL * 3):
                return
        for intended in waiting:
            try:
                self._settle(intended)
            except Exception as error:
                log.warning("change_not_settled", release=intended.release, key=intended.key, error=str(error))

    def _settle(self, intended: Change) -> None:
        with self.database.reading() as store:
            release = store.releases.get(intended.release)
            project = store.projects.get(release.project)
        if not release.is_finished and release.sequence < intended.sequence:
            return  # The release is still at this change, and Temporal tries it again.
        reading = None
        try:
            reading = self.flags.read(project, intended.feature)
        except NotFound:
            log.info("flag_gone", release=release.id, feature=intended.feature)
        with self.database.transaction() as store:
            release = store.releases.get(intended.release, lock=True)
            if reading:
                reading.mirror(store, project)
            settle(store, project, release, intended, datetime.now(UTC))
