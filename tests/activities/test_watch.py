"""The watch of a stage without Temporal: a failure of the database costs seconds, and not an interval."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.exc import OperationalError
from temporalio.testing import ActivityEnvironment

from activities.guarding.recorder import Recorded, SampleRecorder
from activities.guarding.sampling import Readings, Rule, Sampler
from activities.watch import WatchActivities
from tests.activities.guarding import BAD, errors, later, release_in_force
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import wait_until
from tests.world import World
from workflows.service.watch_keeper import watch_of


class FailingOnce(SampleRecorder):
    """Loses the first sample, as while the database is down."""

    has_failed = False

    async def record(self, readings: Readings, rules: Mapping[str, Rule]) -> Recorded:
        if self.has_failed:
            return await super().record(readings, rules)
        self.has_failed = True
        raise OperationalError("INSERT", {}, Exception("The database is down."))


def test_sample_that_was_lost_with_the_database_is_taken_again_soon(world: World) -> None:
    metrics = ScriptedMetrics()
    metrics.values["error-rate"] = BAD
    release = release_in_force(world, errors(every="1d", failures=1))
    with world.database.reading() as store:
        watch = watch_of(release, store.pipelines.version(release.pipeline.id))
    assert watch

    async def scenario(threads: ThreadPoolExecutor) -> None:
        watches = WatchActivities(world.database, Sampler(metrics), threads)
        watches.recorder = FailingOnce(world.database)
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, started_time=later(timedelta(days=2).total_seconds()))
        watching = asyncio.create_task(environment.run(watches.watch_stage, watch))
        await wait_until("the rollback", lambda: world.release(release.id).status == "rolled_back")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(scenario(threads))

    assert not world.flag("production").overrides
