"""Rollbacks, and workflows that are reset or continue as new."""

import asyncio

from activities.store.database import Database
from domain.releases.control import Control
from tests.workflows.controls import pause, send, until_paused, waiting_in_staging
from tests.workflows.harness import dev_server_harness
from tests.workflows.resets import recorded_effects, reset
from tests.workflows.rollbacks import ONE_STAGE, roll_back, rollback_handle


def test_workflows_reset_after_a_rollback_never_act_again(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(ONE_STAGE)
            # Its start is recorded before it can end. Otherwise it is told to look again, and a reset would apply that once more.
            release = await harness.add()
            async with harness.worker():
                await harness.result(harness.handle(release))
                await roll_back(harness, await harness.until(release, "completed"))
                handle = rollback_handle(harness, harness.record(release))
                await harness.result(handle)
                before = recorded_effects(harness, release)

                await reset(harness, harness.handle(release))
                await reset(harness, handle)

                assert await harness.result(harness.handle(release)) == {"status": "completed"}, "as before the rollback"
                assert await harness.result(rollback_handle(harness, harness.record(release))) == {"status": "rolled_back"}
                assert recorded_effects(harness, release) == before
                assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())


def test_workflow_reset_after_a_rollback_to_a_stage_is_paused_in_that_stage(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            await roll_back(harness, waiting, to_stage="Development")
            await harness.until(waiting, "paused")
            await until_paused(harness, waiting)
            before = recorded_effects(harness, waiting)

            await reset(harness, harness.handle(waiting))
            place = await until_paused(harness, waiting)
            await harness.until_idle(harness.handle(waiting))

            assert recorded_effects(harness, waiting) == before
            assert (place.visit, place.rollback) == (3, None)
            await send(harness, waiting, Control.RESUME)

    asyncio.run(scenario())


def test_rollback_requested_while_the_workflow_continues_as_new_is_carried_out_by_the_next_run(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                waiting = await waiting_in_staging(harness)
                await pause(harness, waiting)
            await roll_back(harness, waiting, to_stage="Development")
            await harness.handle(waiting).signal("roll_over")

            async with harness.worker(max_cached_workflows=0):
                back = await harness.until(waiting, "paused", visit=waiting.visit + 1)
                assert back.stage == "Staging"
                await harness.until_place(waiting, "the workflow to know of the rollback", lambda place: place.visit == back.visit)
                resumed = await send(harness, back, Control.RESUME)
                await send(harness, resumed, Control.ADVANCE)
                await harness.until(waiting, "completed")

    asyncio.run(scenario())
