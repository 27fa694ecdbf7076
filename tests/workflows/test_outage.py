"""An outage is not a refusal: it is retried until it is over."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy

from activities.store.database import Database
from domain.releases.release import Release
from tests.pipelines import pipeline, stage
from tests.postgresql import DatabaseSwitch
from tests.waiting import wait_until
from tests.workflows.harness import Harness, dev_server_harness
from workflows.policies import ACTIVITY_OPTIONS
from workflows.service.reconciler import Reconciler


def test_database_outage_delays_a_change_and_loses_nothing(postgresql_url: str) -> None:
    database, switch = Database(postgresql_url), DatabaseSwitch(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            harness.world.publish(pipeline(stage("Development"), stage("Production", "production")))
            release = await harness.add()

            switch.off()
            async with harness.worker():
                await wait_until("a second attempt", lambda: _has_failed(harness, release))
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
                # The local activity fails, and a regular one follows.
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


def test_change_that_waits_for_its_next_attempt_is_made_when_the_outage_is_over(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt of a change is an hour away, so only the reconciler can have woken it."""
    hourly = RetryPolicy(initial_interval=timedelta(hours=1))
    monkeypatch.setitem(ACTIVITY_OPTIONS, "retry_policy", hourly)
    database, switch = Database(postgresql_url), DatabaseSwitch(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            harness.world.publish(pipeline(stage("Development")))
            release = await harness.add()
            reconciler = Reconciler(database, harness.releases, timedelta(milliseconds=200))

            switch.off()
            async with harness.worker():
                running = asyncio.create_task(reconciler.run())
                await wait_until("an attempt that waits", lambda: _has_failed(harness, release))
                await wait_until("the reconciler to notice", lambda: reconciler.had_outage)
                switch.on()

                await harness.until(release, "completed")
                running.cancel()

    asyncio.run(scenario())
    database.close()


async def _has_failed(harness: Harness, release: Release) -> bool:
    """True if an activity waits for its second attempt."""
    return any(activity.attempt >= 2 for activity in await harness.pending_activities(harness.handle(release)))


def test_retries_of_a_long_outage_are_at_most_five_minutes_apart() -> None:
    policy = ACTIVITY_OPTIONS["retry_policy"]
    intervals = [policy.initial_interval * policy.backoff_coefficient**number for number in range(20)]
    before_longest = sum((each for each in intervals if each < policy.maximum_interval), timedelta())

    assert policy.maximum_attempts == 0
    assert policy.maximum_interval == timedelta(minutes=5)
    assert before_longest < timedelta(minutes=10)
