"""The backend of the state machine: a Temporal server whose workflow clocks can be advanced, a database, and one worker at a time."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from temporalio.testing import WorkflowEnvironment

from activities.store.database import Database
from domain.releases.release import Release
from tests.binaries import TEMPORAL
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import CEILING
from tests.workflows.harness import Harness
from tests.workflows.state_machine.attempts import Attempts
from tests.workflows.state_machine.watching import IdleWatches, Looks
from tests.world import make_world
from workflows.payloads import DATA_CONVERTER
from workflows.service.namespace import register_search_attributes

T = TypeVar("T")

_SETTINGS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    "system.workflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="20ms"',  # A timer that is skipped to fires at once instead of after a second.
)


class Backend:
    """Runs the examples, each in a project of its own. They share a server, a database and a worker."""

    def __init__(self, runner: asyncio.Runner, env: WorkflowEnvironment, database: Database) -> None:
        self.runner = runner
        self.env = env
        self.database = database
        self.attempts = Attempts()
        self.metrics = ScriptedMetrics()
        self.looks = Looks(database, self.metrics)
        self.worker = AsyncExitStack()
        self.has_worker = False
        self.numbers = count(1)
        self.failures: list[Exception] = []

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """Run server and worker until the coroutine returns."""
        return self.runner.run(scenario)

    def new_harness(self) -> Harness:
        """Return a harness with a project of its own."""
        world = make_world(self.database, f"shop-{self.next_number()}")
        world.change_feature(variants=[{"key": key, "value": key} for key in ("one-page", "two-pages", "video")])
        return Harness(self.env, world)

    def next_number(self) -> int:
        """Return a number that was not used before."""
        return next(self.numbers)

    async def start_worker(self, harness: Harness, *, cached: bool) -> None:
        """Start a worker. One without a cache replays each workflow at every task."""
        options: dict[str, Any] = {} if cached else {"max_cached_workflows": 0}
        soon = timedelta(seconds=1)  # The server waits this long for the previous worker before it offers its tasks to a new one.
        await self.worker.enter_async_context(
            harness.worker(
                metrics=self.metrics,
                watches=False,
                interceptors=[self.attempts, IdleWatches()],
                sticky_queue_schedule_to_start_timeout=soon,
                **options,
            )
        )
        self.has_worker = True

    async def stop_worker(self) -> None:
        """Stop the worker. A change in flight finishes first."""
        await self.worker.aclose()
        self.has_worker = False

    async def now_of(self, harness: Harness, release: Release) -> datetime:
        """Return the time of the workflow's clock."""
        return await self.env.get_current_time(harness.handle(release))

    async def fast_forward(self, harness: Harness, release: Release, by: timedelta) -> None:
        """Advance the clock of one workflow, from timer to timer."""
        await asyncio.wait_for(self.env.fast_forward(harness.handle(release), by), CEILING)


@asynccontextmanager
async def backend_for(database: Database, runner: asyncio.Runner) -> AsyncIterator[Backend]:
    """Run a server of its own while the block lasts."""
    arguments = [argument for setting in _SETTINGS for argument in ("--dynamic-config-value", setting)]
    env = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(TEMPORAL),
        data_converter=DATA_CONVERTER,
        dev_server_log_level="error",
        dev_server_extra_args=arguments,
    )
    async with env:
        with env.with_time_skipping_disabled():  # Time is skipped only by `fast_forward`.
            await register_search_attributes(env.client)
            backend = Backend(runner, env, database)
            yield backend
            await backend.stop_worker()
