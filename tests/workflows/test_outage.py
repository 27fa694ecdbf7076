"""An outage is not a refusal: it is retried until it is over."""

import asyncio

from activities.store.database import Database
from tests.pipelines import pipeline, stage
from tests.postgresql import DatabaseSwitch
from tests.waiting import wait_until
from tests.workflows.harness import dev_server_harness


def test_database_outage_delays_a_change_and_loses_nothing(postgresql_url: str) -> None:
    database, switch = Database(postgresql_url), DatabaseSwitch(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            harness.world.publish(pipeline(stage("Development"), stage("Production", "production")))
            release = await harness.add()
            handle = harness.handle(release)

            async def has_failed() -> bool:
                return any(activity.attempt >= 2 for activity in await harness.pending_activities(handle))

            switch.off()
            async with harness.worker():
                await wait_until("a second attempt", has_failed)
                switch.on()

                await harness.until(release, "completed")
            assert [change.stage for change in harness.changes(release)] == ["Development", "Production"]
            assert len([entry for entry in harness.audit(release) if entry.event == "flag.changed"]) == 2

    asyncio.run(scenario())
    database.close()


def test_hold_that_ends_during_a_database_outage_is_recorded_afterwards(postgresql_url: str) -> None:
    database, switch = Database(postgresql_url), DatabaseSwitch(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            harness.world.publish(pipeline(stage("Watch", wait="1s", actions=[]), stage("Production", "production")))
            release = await harness.add()

            switch.off()
            async with harness.worker():
                # The local activity gives up after 10 s, and a regular one follows.
                await wait_until("a regular activity", lambda: harness.pending_activities(harness.handle(release)))
                switch.on()

                await harness.until(release, "completed")
            assert [run.outcome for run in harness.runs(release)] == ["held", "acted"]

    asyncio.run(scenario())
    database.close()


def test_worker_without_a_cache_replays_every_task_and_continues(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(max_cached_workflows=0):
            stages = stage("Development"), stage("Staging", "staging", "1s"), stage("Production", "production", "1s")
            harness.world.publish(pipeline(*stages))
            release = await harness.add()

            await harness.until(release, "completed")

            assert len(harness.changes(release)) == 3

    asyncio.run(scenario())
