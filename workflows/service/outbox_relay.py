"""Running the errands of the outbox: what the database decided is told to Temporal, however often it takes."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from activities.store.database import Database
from activities.store.outbox import Errand, Kind
from activities.store.paging import Slice
from domain.releases.release import Release
from domain.releases.schedule import due_at
from domain.releases.status import FINISHED, ReleaseStatus
from workflows.messages import Decided, ReleaseInput, release_input, rollback_input
from workflows.service.client import ReleaseClient

log = structlog.get_logger()

EVERY = timedelta(seconds=2)
AT_ONCE = 20
LONGEST_PAUSE = timedelta(seconds=10)


class Delivery:
    """Runs errands at once when knocked, and looks every few seconds for those that others left."""

    def __init__(self, database: Database, releases: ReleaseClient) -> None:
        self.database = database
        self.releases = releases
        self._knocked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def knock(self) -> None:
        """Say that there is an errand; callable from any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._knocked.set)

    async def run(self) -> None:
        """Go on until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                while await self.deliver():
                    pass
            except Exception as error:
                log.warning("outbox_unreachable", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._knocked.wait(), EVERY.total_seconds())
            self._knocked.clear()

    async def deliver(self) -> bool:
        """Run what waits, some at once; whether there may be more."""
        errands = await asyncio.to_thread(self._lease)
        await asyncio.gather(*(self._run(errand) for errand in errands))
        return len(errands) == AT_ONCE

    def _lease(self) -> list[Errand]:
        now = datetime.now(UTC)
        with self.database.reading() as store:
            if not store.outbox.has_work(now):
                return []
        with self.database.transaction() as store:
            return store.outbox.lease(now, AT_ONCE)

    async def _run(self, errand: Errand) -> None:
        try:
            match errand.kind:
                case Kind.START:
                    await self._start(errand)
                case Kind.ROLL_BACK:
                    await self._roll_back(errand)
                case Kind.LOOK_AGAIN:
                    release, _ = await asyncio.to_thread(self._read, errand)
                    await self.releases.look_again(release.workflow_id, await asyncio.to_thread(self._decided, release))
                    await asyncio.to_thread(self._strike_off, errand)
        except Exception as error:
            log.warning("errand_failed", errand=errand.kind.value, release=errand.release, attempts=errand.attempts, error=str(error))
            pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(errand.attempts, 5)))
            await asyncio.to_thread(self._put_back, errand, datetime.now(UTC) + pause)

    async def _roll_back(self, errand: Errand) -> None:
        release, _ = await asyncio.to_thread(self._read, errand)
        if release.is_rolling_back_after_its_end and release.rollback:
            await self.releases.start_rollback(release.rollback_workflow_id, rollback_input(release, release.rollback))
            log.info("rollback_started", release=release.id, project=release.project, feature=release.feature)
        await asyncio.to_thread(self._strike_off, errand)

    async def _start(self, errand: Errand) -> None:
        release, message = await asyncio.to_thread(self._read, errand)
        if release.is_under_way:
            await self.releases.start(release.workflow_id, message)
            started_at = await self.releases.started_at(release.workflow_id)
            trigger = message.stages[message.starting_stage].trigger
            release = release.started(started_at, due_at(trigger, started_at))
            log.info("release_started", release=release.id, project=release.project, feature=release.feature)
        if await asyncio.to_thread(self._note_start, errand, release):
            await self.releases.look_again(release.workflow_id)

    def _decided(self, release: Release) -> Decided | None:
        """The latest thing that happened to the release, as the audit log has it."""
        with self.database.reading() as store:
            latest = store.audit.page(Slice(limit=1), {"release": release.id}).items
        return Decided(event=latest[0].event, by=latest[0].actor.owner, reason=latest[0].reason) if latest else None

    def _read(self, errand: Errand) -> tuple[Release, ReleaseInput]:
        with self.database.reading() as store:
            release = store.releases.get(errand.release)
            pipeline = store.pipelines.version(release.pipeline.id)
        return release, release_input(release, pipeline)

    def _note_start(self, errand: Errand, started: Release) -> bool:
        """Strike the errand off; true if it was decided otherwise, of which a workflow that was started meanwhile must hear."""
        with self.database.transaction() as store:
            if started.is_under_way and store.releases.write_started(started):
                store.history.note_entry(started)
            store.outbox.done(errand)
            return store.releases.get(started.id).status in (*FINISHED, ReleaseStatus.PAUSED, ReleaseStatus.ROLLING_BACK)

    def _strike_off(self, errand: Errand) -> None:
        with self.database.transaction() as store:
            store.outbox.done(errand)

    def _put_back(self, errand: Errand, not_before: datetime) -> None:
        with self.database.transaction() as store:
            store.outbox.put_back(errand, not_before)
