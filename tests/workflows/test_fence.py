"""The record wins: a workflow that runs a second time changes nothing a second time."""

import asyncio

from activities.store.database import Database
from domain.releases.control import Control
from tests.pipelines import hold, pipeline, set_value, stage
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import remove, send
from tests.workflows.harness import dev_server_harness
from tests.workflows.reconciling import reconcile_until_finished
from tests.workflows.resets import recorded_effects, reset, start_again

THREE_STAGES = (
    stage("Development", actions=[set_value("one")]),
    stage("Staging", "staging", "1s", actions=[set_value("two")]),
    stage("Production", "production", "1s", actions=[set_value("three")]),
)


def test_workflow_reset_halfway_repeats_no_change_and_continues(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(*THREE_STAGES, hold("Watch", "1h")))
            release = await harness.add()
            await harness.until(release, "running", stage="Watch")
            await harness.until_timer_set(release)
            before = recorded_effects(harness, release)

            await reset(harness, harness.handle(release))
            await harness.until_place(release, "the reset run to reach the fourth stage", lambda place: place.visit == 4)
            await harness.until_timer_set(release)
            assert recorded_effects(harness, release) == before

            await send(harness, release, Control.ADVANCE)
            await harness.until(release, "completed")
            assert len(harness.changes(release)) == 3

    asyncio.run(scenario())


def test_workflow_reset_after_completion_ends_again_without_acting(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(*THREE_STAGES))
            release = await harness.add()
            await harness.until(release, "completed")
            await harness.result(harness.handle(release))
            before = recorded_effects(harness, release)

            await reset(harness, harness.handle(release))

            assert await harness.result(harness.handle(release)) == {"status": "completed"}
            assert recorded_effects(harness, release) == before

    asyncio.run(scenario())


def test_workflow_reset_after_completion_ends_again_even_if_it_does_not_reach_its_last_stage(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            holds = hold("Watch", "1s"), hold("Watch on", "1s"), hold("Watch longer", "1s")
            harness.world.publish(pipeline(stage("Development"), *holds))
            release = await harness.add()
            await harness.until(release, "completed")
            await harness.result(harness.handle(release))
            before = recorded_effects(harness, release)

            await reset(harness, harness.handle(release))

            assert await harness.result(harness.handle(release)) == {"status": "completed"}
            assert recorded_effects(harness, release) == before

    asyncio.run(scenario())


def test_workflow_reset_after_removal_never_acts(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts(stage="Staging")
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(pipeline(*THREE_STAGES))
            release = await harness.add()
            await attempts.until_held()
            remove(harness, release)
            before = recorded_effects(harness, release)

            await reset(harness, harness.handle(release))
            attempts.release()

            assert await harness.result(harness.handle(release)) == {"status": "removed"}
            assert recorded_effects(harness, release) == before
            assert harness.world.flag("staging").value == "classic"

    asyncio.run(scenario())


def test_terminated_workflow_with_a_change_in_flight_has_one_effect_and_one_end(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts()
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(pipeline(stage("Development"), stage("Production", "production", "1s")))
            release = await harness.add()
            await attempts.until_held()
            await harness.handle(release).terminate("by a person")
            attempts.release()
            await harness.until(release, "running", stage="Production")
            await reconcile_until_finished(harness, release)
            await asyncio.sleep(1.5)  # Nothing may happen, so there is no condition to wait for.

            assert harness.record(release).status == "terminated"
            assert [change.stage for change in harness.changes(release)] == ["Development"]
            assert not harness.world.flag("production").enabled

    asyncio.run(scenario())


def test_change_after_the_reconciler_has_closed_the_record_writes_nothing(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development")))
            release = await harness.add()
            await harness.handle(release).terminate("by a person")
            await reconcile_until_finished(harness, release)
            before = recorded_effects(harness, release)

            await start_again(harness, release)
            async with harness.worker():
                assert await harness.result(harness.handle(release)) == {"status": "terminated"}

            assert recorded_effects(harness, release) == before
            assert not harness.world.flag("development").enabled

    asyncio.run(scenario())
