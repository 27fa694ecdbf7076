"""Controls and holds do not wait behind changes, and no thread waits for a connection."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import PendingActivityState

from activities.http_post import HttpPoster
from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.release import Release
from settings import Settings
from tests.pipelines import pipeline, stage
from tests.waiting import wait_until
from tests.workflows.controls import project_locked, send
from tests.workflows.harness import Harness, dev_server_harness
from worker import build_webhook_worker, build_worker
from workflows.service.worker_pools import LOOP_THREADS, WEBHOOK_SLOTS, WorkerPools, pools_for

SLOTS = 4


@pytest.mark.parametrize("changes", [1, 4, 20, 200])
def test_every_pool_follows_from_the_number_of_changes(changes: int) -> None:
    pools = pools_for(changes, is_sqlite=True)

    assert pools.threads == pools.changes + pools.local_activities
    assert pools.connections == pools.threads + WEBHOOK_SLOTS + LOOP_THREADS
    assert pools.workflow_tasks >= 2, "Temporal's SDK needs one slot for each of the two queues that it polls"


def test_sqlite_has_few_slots_and_postgresql_about_forty_workflow_tasks() -> None:
    default = Settings().worker_threads

    assert pools_for(default, is_sqlite=True) == WorkerPools(changes=4)
    assert 8 <= pools_for(default, is_sqlite=True).workflow_tasks <= 16
    assert pools_for(default, is_sqlite=False).workflow_tasks == 40


def test_workers_get_the_pools_and_every_activity_may_finish_after_a_cancel(sqlite: Database) -> None:
    """An exception that is raised into a thread leaves locks and connections behind."""

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            pools, client = WorkerPools(3), harness.env.client
            with ThreadPoolExecutor(WEBHOOK_SLOTS) as threads:
                workers = [
                    build_worker(client, sqlite, threads, pools),
                    build_webhook_worker(client, sqlite, threads, HttpPoster(allow_private=True)),
                ]
                config = workers[0].config()
            activities = [each for worker in workers for each in worker.config()["activities"]]
            raising = [each.__name__ for each in activities if not activity._Definition.must_from_callable(each).no_thread_cancel_exception]

            assert len(activities) == 5
            assert raising == []
            assert config["max_concurrent_activities"] == pools.changes
            assert config["max_concurrent_local_activities"] == pools.local_activities
            assert config["max_concurrent_workflow_tasks"] == pools.workflow_tasks

    asyncio.run(scenario())


def test_control_is_carried_out_while_changes_take_every_slot(postgresql_url: str) -> None:
    async def scenario(database: Database) -> None:
        async with dev_server_harness(database) as harness:
            harness.world.publish(pipeline(stage("Production", "production", "7d")))
            harness.world.publish(pipeline(stage("Production", "production")) | {"key": "at-once"})
            waiting = await harness.add()
            changes = [await add_change(harness, f"flag-{number}") for number in range(2 * SLOTS)]

            with project_locked(database):
                async with harness.worker():
                    await wait_until("changes in every slot", lambda: has_running_attempts(harness, changes, SLOTS))

                    skipped = await send(harness, waiting, Control.SKIP)

                    assert skipped.status == "completed"
                    assert not any(harness.record(change).is_finished for change in changes)

    with closing(Database(postgresql_url, WorkerPools(SLOTS).connections)) as database:
        asyncio.run(scenario(database))


async def add_change(harness: Harness, feature: str) -> Release:
    """Add a flag whose only stage is due at once."""
    harness.world.add_feature(feature)
    return await harness.add(feature=feature, pipeline="at-once")


async def has_running_attempts(harness: Harness, releases: list[Release], count: int) -> bool:
    """True if that many of the releases have a running attempt."""
    pending = [each for release in releases for each in await harness.pending_activities(harness.handle(release))]
    return [each.state for each in pending].count(PendingActivityState.PENDING_ACTIVITY_STATE_STARTED) >= count
