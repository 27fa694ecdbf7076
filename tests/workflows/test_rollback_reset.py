"""Rollbacks and workflows that begin again: reset, or continued as new."""

import asyncio

from activities.store.database import Database
from domain.releases.control import Control
from tests.waiting import CEILING
from tests.workflows.harness import real_stand
from tests.workflows.rollbacks import completed, roll_back, rollback_of
from tests.workflows.test_controls import in_staging, pause, place_of, steer, until_paused
from tests.workflows.test_fence import effects, reset_to_the_start


def test_workflows_that_are_reset_after_a_rollback_never_act_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await completed(stand)
            await roll_back(stand, release)
            handle = rollback_of(stand, release)
            await handle.result()
            before = effects(stand, release)

            await reset_to_the_start(stand, release)
            await reset_to_the_start(stand, release, handle)

            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "completed"}, "as it told then"
            assert await asyncio.wait_for(rollback_of(stand, release).result(), CEILING) == {"status": "rolled_back"}
            assert effects(stand, release) == before
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_a_workflow_reset_after_a_rollback_to_a_stage_finds_itself_paused_there(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            await roll_back(stand, waiting, to_stage="Development")
            await stand.until(waiting, "paused")
            await until_paused(stand, waiting)
            before = effects(stand, waiting)

            await reset_to_the_start(stand, waiting)
            await until_paused(stand, waiting)

            assert effects(stand, waiting) == before
            place = await place_of(stand, waiting)
            assert (place["visit"], place["rollback"], place["paused"] is not None) == (3, None, True)
            await steer(stand, waiting, Control.RESUME)

    asyncio.run(story())


def test_a_rollback_asked_of_a_workflow_that_continues_as_new_is_carried_out_by_the_next_run(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
                await pause(stand, waiting)
            await roll_back(stand, waiting, to_stage="Development")
            await stand.handle(waiting).signal("roll_over")

            async with stand.worker(max_cached_workflows=0):
                back = await stand.until(waiting, "paused")
                assert (back.stage, back.visit) == ("Staging", waiting.visit + 1)
                resumed = await steer(stand, back, Control.RESUME)
                await steer(stand, resumed, Control.ADVANCE)
                await stand.until(waiting, "completed")

    asyncio.run(story())
