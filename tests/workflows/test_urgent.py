"""A rollback passes the stages that are due."""

import asyncio

from activities.store.database import Database
from activities.store.paging import Slice
from domain.audit import AuditEvent
from domain.releases.release import Release
from tests.pipelines import pipeline, set_value, stage
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.rollbacks import request
from workflows.service.worker_pools import WorkerPools

DUE = 30
ONE_SLOT = WorkerPools(1)
ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
"""Priorities only order the tasks within a partition, of which a queue has four by default."""


def test_rollback_of_a_waiting_release_passes_the_stages_that_are_due(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite, settings=ONE_PARTITION) as harness:
            first, second = stage("Development", actions=[set_value("one")]), stage("Production", "production", "7d")
            harness.world.publish(pipeline(first, second))
            harness.world.publish(pipeline(stage("Staging", "staging")) | {"key": "at-once"})
            # Without a cache, its workflow task goes to the queue of all workers.
            async with harness.worker(max_cached_workflows=0):
                waiting = await harness.until(await harness.add(), "running", stage="Production")
                await harness.until_idle(harness.handle(waiting))
            for number in range(DUE):
                harness.world.add_feature(f"flag-{number}")
                await harness.add(feature=f"flag-{number}", pipeline="at-once")
            request(harness, waiting)
            await harness.run_outbox()
            await harness.until_backlog(DUE + 1)

            async with harness.worker(ONE_SLOT):
                await harness.until(waiting, "rolled_back")
                await harness.result(harness.handle(waiting))

            assert changes_before(harness, waiting) < DUE / 3, "without priority, it is the last"

    asyncio.run(scenario())


def changes_before(harness: Harness, release: Release) -> int:
    """Return the number of flags that were changed in staging before that release was rolled back."""
    with harness.world.database.reading() as store:
        newest_first = store.audit.page(Slice(limit=200), {}).items
    rolled_back = [each.event for each in newest_first if each.release == release.id].index(AuditEvent.RELEASE_ROLLED_BACK)
    entry = [each for each in newest_first if each.release == release.id][rolled_back]
    before = newest_first[newest_first.index(entry) :]
    return sum(each.event is AuditEvent.FLAG_CHANGED and each.environment == "staging" for each in before)
