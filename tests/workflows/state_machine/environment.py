"""The ground on which the machine plays: one Temporal server whose clocks can be put forward, one database, one worker at a time."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from activities.store.database import Database
from domain.releases.release import Release
from tests.binaries import TEMPORAL
from tests.waiting import CEILING
from tests.workflows.harness import Stand
from tests.workflows.state_machine.attempts import Attempts
from tests.world import make_world
from workflows.service.namespace import register_search_attributes

T = TypeVar("T")

_SETTINGS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    "system.workflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="20ms"',  # A timer that is skipped to fires at once instead of after a second.
)


class Ground:
    """One example after another is played here, each in a project of its own: they share a server, a database and a worker."""

    def __init__(self, runner: asyncio.Runner, env: WorkflowEnvironment, database: Database) -> None:
        self.runner = runner
        self.env = env
        self.database = database
        self.attempts = Attempts()
        self.worker = AsyncExitStack()
        self.works = False
        self.numbers = count(1)
        self.failures: list[Exception] = []

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """Let server and worker work until the story is told."""
        return self.runner.run(story)

    def new_stand(self) -> Stand:
        """A stand with a project that nobody else uses."""
        return Stand(self.env, make_world(self.database, f"shop-{self.next_number()}"))

    def next_number(self) -> int:
        """A number that was not used before."""
        return next(self.numbers)

    async def start_worker(self, stand: Stand, *, cached: bool) -> None:
        """Start a worker; one that caches nothing replays each workflow at every task."""
        options = {} if cached else {"max_cached_workflows": 0}
        soon = timedelta(seconds=1)  # So long another worker lets tasks lie that this one took no more.
        await self.worker.enter_async_context(
            stand.worker(interceptors=[self.attempts], sticky_queue_schedule_to_start_timeout=soon, **options)
        )
        self.works = True

    async def stop_worker(self) -> None:
        """Stop it; a change in flight finishes first."""
        await self.worker.aclose()
        self.works = False

    async def now_of(self, stand: Stand, release: Release) -> datetime:
        """What the clock of the release's workflow says."""
        return await self.env.get_current_time(stand.handle(release))

    async def fast_forward(self, stand: Stand, release: Release, by: timedelta) -> None:
        """Put the clock of one workflow forward, from timer to timer."""
        await asyncio.wait_for(self.env.fast_forward(stand.handle(release), by), CEILING)


@asynccontextmanager
async def ground_for(database: Database, runner: asyncio.Runner) -> AsyncIterator[Ground]:
    """A server of its own, until the block ends."""
    arguments = [argument for setting in _SETTINGS for argument in ("--dynamic-config-value", setting)]
    env = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_startup_timeout=timedelta(seconds=CEILING),
        data_converter=pydantic_data_converter,
        dev_server_log_level="error",
        dev_server_extra_args=arguments,
    )
    async with env:
        with env.with_time_skipping_disabled():  # Nothing is skipped but where `fast_forward` says so.
            await register_search_attributes(env.client)
            ground = Ground(runner, env, database)
            yield ground
            await ground.stop_worker()
