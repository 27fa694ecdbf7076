"""The outbox relay: sends what was decided in the database to Temporal, with retries."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from activities.store.database import Database
from activities.store.outbox import OutboxEntry, OutboxKind
from activities.store.paging import Slice
from activities.store.watchers import Visit
from activities.tracing import Attributes, Kind, Tracer, within
from domain.releases.release import Release
from domain.releases.status import FINISHED, ReleaseStatus
from workflows.messages import RecordedDecision, ReleaseInput, release_input, rollback_input
from workflows.release_steps import is_sampled
from workflows.service.client import ReleaseClient

log = structlog.get_logger()

POLL_INTERVAL = timedelta(seconds=2)
BATCH_SIZE = 20
MAX_BACKOFF = timedelta(seconds=10)
URGENT_STATUSES = (*FINISHED, ReleaseStatus.PAUSED, ReleaseStatus.ROLLING_BACK)
"""The statuses in which a release stops what it is about to do."""


class OutboxRelay:
    """Runs entries when woken, and polls every few seconds for entries that other processes left behind."""

    def __init__(self, database: Database, releases: ReleaseClient, public_url: str = "", tracer: Tracer | None = None) -> None:
        self.database = database
        self.releases = releases
        self.public_url = public_url
        self.tracer = tracer
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def hides_names(self) -> bool:
        """True if releases that are added now must hide all names from Temporal."""
        return self.releases.encryption.is_on

    def wake(self) -> None:
        """Wake the relay after an entry was added. May be called from any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Run until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                while await self.run_pending():
                    pass
            except Exception as error:
                log.warning("outbox_unreachable", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_INTERVAL.total_seconds())
            self._woken.clear()

    async def run_pending(self) -> bool:
        """Run a batch of pending entries concurrently. Returns True if there may be more."""
        entries = await asyncio.to_thread(self._lease)
        await asyncio.gather(*(self._run_traced(entry) for entry in entries))
        return len(entries) == BATCH_SIZE

    def _lease(self) -> list[OutboxEntry]:
        now = datetime.now(UTC)
        with self.database.reading() as store:
            if not store.outbox.has_work(now):
                return []
        with self.database.transaction() as store:
            return store.outbox.lease(now, BATCH_SIZE)

    async def _run_traced(self, entry: OutboxEntry) -> None:
        """Run the entry in the trace in which it was written."""
        if not (self.tracer and entry.traceparent):
            return await self._run(entry)
        attributes: Attributes = {"flaghoist.release": entry.release, "flaghoist.attempt": entry.attempts}
        with within(self.tracer.begin(f"outbox {entry.kind.value}", Kind.CONSUMER, attributes, parent=entry.traceparent)):
            return await self._run(entry)

    async def _run(self, entry: OutboxEntry) -> None:
        try:
            match entry.kind:
                case OutboxKind.START:
                    await self._start(entry)
                case OutboxKind.ROLL_BACK:
                    await self._roll_back(entry)
                case OutboxKind.LOOK_AGAIN:
                    release, _ = await asyncio.to_thread(self._read, entry)
                    decision = await asyncio.to_thread(self._latest_decision, release)
                    await self.releases.look_again(release.workflow_id, decision, urgent=release.status in URGENT_STATUSES)
                    await asyncio.to_thread(self._delete, entry)
        except Exception as error:
            log.warning("outbox_entry_failed", entry=entry.kind.value, release=entry.release, attempts=entry.attempts, error=str(error))
            backoff = min(MAX_BACKOFF, timedelta(seconds=2 ** min(entry.attempts, 5)))
            await asyncio.to_thread(self._postpone, entry, datetime.now(UTC) + backoff)

    async def _roll_back(self, entry: OutboxEntry) -> None:
        release, _ = await asyncio.to_thread(self._read, entry)
        if release.is_rolling_back_after_its_end and release.rollback:
            await self.releases.start_rollback(release.rollback_workflow_id, rollback_input(release, release.rollback))
            log.info("rollback_started", release=release.id, project=release.project, feature=release.feature)
        await asyncio.to_thread(self._delete, entry)

    async def _start(self, entry: OutboxEntry) -> None:
        release, message = await asyncio.to_thread(self._read, entry)
        if release.is_under_way:
            await self.releases.start(release.workflow_id, message)
            started_at = await self.releases.started_at(release.workflow_id)
            trigger = message.stages[message.starting_stage].trigger
            release = release.started(started_at, trigger.due_at(started_at))
            log.info("release_started", release=release.id, project=release.project, feature=release.feature)
        if await asyncio.to_thread(self._record_start, entry, release, is_sampled(message, message.stages[message.starting_stage])):
            await self.releases.look_again(release.workflow_id)

    def _latest_decision(self, release: Release) -> RecordedDecision | None:
        """Return the latest audit entry of the release."""
        with self.database.reading() as store:
            latest = store.audit.page(Slice(limit=1), {"release": release.id}).items
        return RecordedDecision(event=latest[0].event, by=latest[0].actor.owner, reason=latest[0].reason) if latest else None

    def _read(self, entry: OutboxEntry) -> tuple[Release, ReleaseInput]:
        with self.database.reading() as store:
            release = store.releases.get(entry.release)
            pipeline = store.pipelines.version(release.pipeline.id)
        self.releases.check_hides(release)
        return release, release_input(release, pipeline, self.public_url)

    def _record_start(self, entry: OutboxEntry, started: Release, is_watched: bool) -> bool:
        """Record the start and delete the entry. Returns True if a decision came before it, so the workflow must be signalled."""
        with self.database.transaction() as store:
            if started.is_under_way and store.releases.write_started(started):
                store.history.note_entry(started)
                if is_watched:
                    store.watchers.expect(Visit(started.id, started.visit))
            store.outbox.delete(entry)
            return store.releases.get(started.id).status in URGENT_STATUSES

    def _delete(self, entry: OutboxEntry) -> None:
        with self.database.transaction() as store:
            store.outbox.delete(entry)

    def _postpone(self, entry: OutboxEntry, not_before: datetime) -> None:
        with self.database.transaction() as store:
            store.outbox.postpone(entry, not_before)
