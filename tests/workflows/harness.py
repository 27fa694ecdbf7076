"""A harness for real workflows: a Temporal server, a real worker and a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType, PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.guarding.sampling import Metrics
from activities.providers.systems import FlagSystems
from activities.store.database import Database
from activities.store.paging import Slice
from domain.audit import AuditEntry
from domain.flags.change import Change
from domain.releases.release import Release, StageRun
from tests.binaries import TEMPORAL, TEST_SERVER
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import CEILING, wait_until
from tests.world import World, make_world
from worker import Outside, build_watch_worker, build_watches, build_worker, outside_without_settings
from workflows.messages import TASK_QUEUE, ReleasePlace
from workflows.payloads import DATA_CONVERTER
from workflows.service.client import ReleaseClient
from workflows.service.namespace import add_search_attributes, register_search_attributes
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.worker_pools import WorkerPools

Handle = WorkflowHandle[Any, Any]

FOUR_CHANGES = WorkerPools(4)

_TIMER_ENDS = {EventType.EVENT_TYPE_TIMER_FIRED: "timer_fired", EventType.EVENT_TYPE_TIMER_CANCELED: "timer_canceled"}


class Harness:
    """One project on one Temporal server, with a worker that can be stopped and started."""

    def __init__(self, env: WorkflowEnvironment, world: World, public_url: str = "") -> None:
        self.env = env
        self.world = world
        self.metrics = ScriptedMetrics()
        self.releases = ReleaseClient(env.client)
        self.relay = OutboxRelay(world.database, self.releases, public_url)

    @asynccontextmanager
    async def worker(
        self,
        pools: WorkerPools = FOUR_CHANGES,
        *,
        systems: FlagSystems | None = None,
        metrics: Metrics | None = None,
        watches: bool = True,
        client: Client | None = None,
        **options: Any,
    ) -> AsyncIterator[None]:
        """Run a worker while the block lasts. With metrics, it also watches stages, unless it must not.

        A second worker at the same time needs a client of its own.
        """
        client, database = client or self.env.client, self.world.database
        usual = outside_without_settings(database)
        outside = Outside(systems or usual.systems, metrics or usual.metrics)
        with ThreadPoolExecutor(pools.threads) as threads:
            worker = build_worker(client, database, threads, pools, outside=outside, **options)
            watching = build_watches(database, threads, outside.metrics, self.relay.wake)
            watcher = build_watch_worker(client, watching) if metrics and watches else nullcontext()
            # The SDK treats 2 s without a yield as a deadlock. On a busy machine a replay can take that long.
            worker._workflow_worker._deadlock_timeout_seconds = CEILING  # type: ignore[union-attr]
            async with worker, watcher:
                yield

    async def add(self, **options: Any) -> Release:
        """Add the flag to its pipeline, and start its workflow as in production."""
        release = await asyncio.to_thread(lambda: self.world.add(**options))
        await self.run_outbox()
        return release

    async def run_outbox(self) -> None:
        """Run the entries of the outbox until none is left."""

        async def is_empty() -> bool:
            await self.relay.run_pending()
            with self.world.database.reading() as store:
                return not store.outbox.has_work(datetime.now(tz=UTC) + timedelta(hours=1))

        await wait_until("an empty outbox", is_empty)

    def handle(self, release: Release) -> Handle:
        """Return the handle of the release's workflow."""
        return self.env.client.get_workflow_handle(release.workflow_id)

    async def result(self, handle: Handle) -> Any:
        """Return the result of a workflow once it has ended."""
        return await asyncio.wait_for(handle.result(), CEILING)

    async def place(self, release: Release) -> ReleasePlace:
        """Return the place of the release according to its workflow."""
        place: ReleasePlace = await self.handle(release).query("place", result_type=ReleasePlace)
        return place

    def record(self, release: Release) -> Release:
        """Return the release from the database."""
        return self.world.release(release.id)

    def runs(self, release: Release) -> list[StageRun]:
        """Return its visits."""
        with self.world.database.reading() as store:
            return store.history.runs(release.id)

    def changes(self, release: Release) -> list[Change]:
        """Return its changes."""
        with self.world.database.reading() as store:
            return store.history.changes(release.id)

    def audit(self, release: Release) -> list[AuditEntry]:
        """Return its audit entries, oldest first."""
        with self.world.database.reading() as store:
            page = store.audit.page(Slice(limit=200), {"release": release.id})
        return list(reversed(page.items))

    async def until(self, release: Release, *statuses: str, stage: str | None = None, visit: int | None = None) -> Release:
        """Wait until the record has one of these statuses, stage and visit."""

        async def record() -> Release | None:
            found = await asyncio.to_thread(self.record, release)
            return found if found.status in statuses and stage in (None, found.stage) and visit in (None, found.visit) else None

        return await wait_until(f"{' or '.join(statuses)} in stage {stage}, visit {visit}", record)

    async def until_changes(self, release: Release, count: int) -> None:
        """Wait until the release has made that many changes."""
        await wait_until(f"{count} changes", lambda: len(self.changes(release)) >= count)

    async def until_place(self, release: Release, what: str, matches: Callable[[ReleasePlace], object]) -> ReleasePlace:
        """Wait until the place according to the workflow matches. The workflow is a moment behind the record."""

        async def place() -> ReleasePlace | None:
            found = await self.place(release)
            return found if matches(found) else None

        return await wait_until(what, place)

    async def until_timer_set(self, release: Release) -> None:
        """Wait until the release's workflow waits for a timer."""
        await wait_until("a timer", lambda: self._has_open_timer(release))

    async def until_idle(self, handle: Handle) -> None:
        """Wait until a workflow has nothing to do before its next timer, signal or update."""

        async def is_idle() -> bool:
            description = (await handle.describe()).raw_description
            has_begun = description.workflow_execution_info.history_length > 2
            return has_begun and not description.pending_activities and not description.HasField("pending_workflow_task")

        await wait_until("an idle workflow", is_idle)

    async def until_backlog(self, tasks: int) -> None:
        """Wait until that many workflow tasks are in the queue. Without a worker, none leaves it."""
        request = DescribeTaskQueueRequest(
            namespace=self.env.client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            report_stats=True,
        )

        async def has_backlog() -> bool:
            described = await self.env.client.workflow_service.describe_task_queue(request)
            return described.stats.approximate_backlog_count >= tasks

        await wait_until(f"{tasks} workflow tasks", has_backlog)

    async def until_attempt_running(self, handle: Handle) -> None:
        """Wait until an activity of that workflow runs."""
        await wait_until("a running activity", lambda: self._has_activity(handle, PendingActivityState.PENDING_ACTIVITY_STATE_STARTED))

    async def until_attempt_cancelled(self, handle: Handle) -> None:
        """Wait until the workflow has asked its running activity to cancel."""
        state = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
        await wait_until("a cancelled activity", lambda: self._has_activity(handle, state))

    async def until_updates_accepted(self, release: Release, count: int) -> None:
        """Wait until the workflow has accepted that many updates in all."""
        accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED

        async def are_accepted() -> bool:
            events = (await self.handle(release).fetch_history()).events
            return [event.event_type for event in events].count(accepted) >= count

        await wait_until(f"{count} accepted updates", are_accepted)

    async def pending_activities(self, handle: Handle) -> list[PendingActivityInfo]:
        """Return the activities of a workflow that have not ended."""
        return list((await handle.describe()).raw_description.pending_activities)

    async def _has_activity(self, handle: Handle, state: "PendingActivityState.ValueType") -> bool:
        return any(activity.state == state for activity in await self.pending_activities(handle))

    async def _has_open_timer(self, release: Release) -> bool:
        events = (await self.handle(release).fetch_history()).events
        started = {event.event_id for event in events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED}
        ended = {
            getattr(event, f"{_TIMER_ENDS[event.event_type]}_event_attributes").started_event_id
            for event in events
            if event.event_type in _TIMER_ENDS
        }
        return bool(started - ended)


@asynccontextmanager
async def time_skipping_harness(database: Database) -> AsyncIterator[Harness]:
    """Run a harness on a server that skips time: `env.sleep` of a week takes milliseconds."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(TEST_SERVER), data_converter=DATA_CONVERTER
    ) as env:
        await add_search_attributes(env.client)  # This server can't list them.
        yield Harness(env, make_world(database))


@asynccontextmanager
async def dev_server_harness(database: Database, public_url: str = "", *, settings: Sequence[str] = ()) -> AsyncIterator[Harness]:
    """Run a harness on a real dev server, with dynamic settings of Temporal as `name=value`."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        data_converter=DATA_CONVERTER,
        dev_server_log_level="error",
        dev_server_extra_args=[argument for setting in settings for argument in ("--dynamic-config-value", setting)],
    ) as env:
        await register_search_attributes(env.client)
        yield Harness(env, make_world(database), public_url)


HISTORIES = Path(__file__).parent / "histories"
