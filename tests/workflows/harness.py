"""A stand to try real workflows on: a Temporal server, a real worker, a real database."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.store.database import Database
from activities.store.paging import Slice
from domain.audit import AuditEntry
from domain.flags.change import Change
from domain.releases.control import Control
from domain.releases.release import Release, StageRun
from tests.binaries import TEMPORAL, TEST_SERVER
from tests.waiting import CEILING, wait_until
from tests.world import World, make_world
from worker import build_worker
from workflows.messages import SteerRelease
from workflows.service.client import ReleaseClient, TemporalUnavailable
from workflows.service.namespace import add_search_attributes, register_search_attributes
from workflows.service.outbox_relay import OutboxRelay


class Stand:
    """One project on one Temporal server, with a worker that can be stopped and started."""

    def __init__(self, env: WorkflowEnvironment, world: World) -> None:
        self.env = env
        self.world = world
        self.releases = ReleaseClient(env.client)
        self.delivery = OutboxRelay(world.database, self.releases)

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[None]:
        """A worker, for as long as the block lasts."""
        with ThreadPoolExecutor(4) as threads:
            worker = build_worker(self.env.client, self.world.database, threads, 4, **options)
            # After 2 s without a yield, the SDK fails a query as a deadlock. On a busy machine a first replay can take that long.
            worker._workflow_worker._deadlock_timeout_seconds = CEILING  # type: ignore[union-attr]
            async with worker:
                yield

    async def add(self, **wanted: Any) -> Release:
        """A flag, added to its pipeline; its workflow is started as in production."""
        release = await asyncio.to_thread(lambda: self.world.add(**wanted))
        await self.delivery.deliver()
        return release

    def handle(self, release: Release) -> WorkflowHandle[Any, Any]:
        """The release's workflow."""
        return self.env.client.get_workflow_handle(release.workflow_id)

    def record(self, release: Release) -> Release:
        """The release as the database has it."""
        return self.world.release(release.id)

    def runs(self, release: Release) -> list[StageRun]:
        """Its visits."""
        with self.world.database.reading() as store:
            return store.history.runs(release.id)

    def changes(self, release: Release) -> list[Change]:
        """Its changes."""
        with self.world.database.reading() as store:
            return store.history.changes(release.id)

    def audit(self, release: Release) -> list[AuditEntry]:
        """Its audit entries, oldest first."""
        with self.world.database.reading() as store:
            page = store.audit.page(Slice(limit=200), {"release": release.id})
        return list(reversed(page.items))

    async def until_waiting(self, release: Release) -> None:
        """Return once the workflow, which is a moment behind the record, has set its timer."""

        async def has_set_timer() -> bool:
            events = (await self.handle(release).fetch_history()).events
            return events[-1].event_type == EventType.EVENT_TYPE_TIMER_STARTED

        await wait_until("the workflow to set its timer", has_set_timer)

    async def until_acting(self, release: Release, handle: WorkflowHandle[Any, Any] | None = None) -> None:
        """Return once an activity of the release's workflow, or of the given one, is running."""

        async def is_acting() -> bool:
            pending = (await (handle or self.handle(release)).describe()).raw_description.pending_activities
            return any(activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED for activity in pending)

        await wait_until("an activity to start", is_acting)

    async def until_idle(self, release: Release) -> None:
        """Return once the workflow has nothing to do before its next timer, and no activity of it runs."""

        async def is_idle() -> bool:
            description = (await self.handle(release).describe()).raw_description
            return not description.pending_activities and not description.HasField("pending_workflow_task")

        await wait_until("the workflow to be idle", is_idle)

    async def until_event(self, handle: WorkflowHandle[Any, Any], kind: EventType.ValueType, count: int = 1) -> None:
        """Return once the workflow's history has that many events of a kind."""

        async def has_them() -> bool:
            events = (await handle.fetch_history()).events
            return sum(event.event_type == kind for event in events) >= count

        await wait_until(f"{count} events {EventType.Name(kind)}", has_them)

    async def until_answered(self, release: Release, control: Control, message: SteerRelease, update: str) -> None:
        """Send a control until a worker answers it. Sent again under its id, it takes effect once."""
        deadline = time.monotonic() + CEILING
        while True:
            try:
                return await self.releases.steer(release, control, message, update)
            except TemporalUnavailable:
                if time.monotonic() > deadline:
                    raise

    async def until(self, release: Release, *statuses: str, stage: str | None = None, visit: int | None = None) -> Release:
        """Return the record once it has one of these statuses (and is in that stage, on that visit)."""
        deadline = time.monotonic() + CEILING
        while True:
            record = await asyncio.to_thread(self.record, release)
            if record.status in statuses and stage in (None, record.stage) and visit in (None, record.visit):
                return record
            if time.monotonic() > deadline:
                raise TimeoutError(f"{record.status} at '{record.stage}', not {' or '.join(statuses)}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def skipping_stand(database: Database) -> AsyncIterator[Stand]:
    """A stand on a server that skips time: `env.sleep` of a week takes milliseconds."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(TEST_SERVER),
        test_server_startup_timeout=timedelta(seconds=CEILING),
        data_converter=pydantic_data_converter,
    ) as env:
        await add_search_attributes(env.client)  # This server can't list them.
        yield Stand(env, make_world(database))


@asynccontextmanager
async def real_stand(database: Database) -> AsyncIterator[Stand]:
    """A stand on a real dev server."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_startup_timeout=timedelta(seconds=CEILING),
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
    ) as env:
        await register_search_attributes(env.client)
        yield Stand(env, make_world(database))


WEEK = timedelta(days=7)
HISTORIES = Path(__file__).parent / "histories"
