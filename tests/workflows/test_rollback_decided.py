"""What people decide while a release is rolled back, and what blocks it."""

import asyncio
from datetime import UTC, datetime

import pytest

from activities.commands.request_rollback import RollBackRelease, request_rollback
from activities.store.database import Database
from domain.errors import ControlNotAllowed, StageMoved
from domain.releases.control import Control, Expected
from tests.activities.rollbacks import add_operator, revoke
from tests.workflows.harness import real_stand
from tests.workflows.rollbacks import roll_back, roll_back_as
from tests.workflows.test_controls import in_staging, nobody_changes_flags, steer
from tests.workflows.test_ending import remove
from tests.workflows.test_web_ui import details


def test_a_removal_calls_off_a_rollback_that_cannot_be_made(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            waiting = await in_staging(stand)
            with nobody_changes_flags(database):
                await roll_back(stand, waiting)
                await stand.until_acting(waiting)
                remove(stand, waiting)
                await stand.delivery.deliver()
                await asyncio.sleep(1)

            assert await asyncio.wait_for(stand.handle(waiting).result(), 30) == {"status": "removed"}
            assert stand.world.flag("development").value == "one"

    asyncio.run(story())
    database.close()


def test_a_right_that_is_gone_blocks_it_and_whoever_retries_has_it_rolled_back(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
            caller = add_operator(stand.world)
            roll_back_as(stand, waiting, caller)
            revoke(stand.world, caller)
            await stand.delivery.deliver()

            async with stand.worker():
                blocked = await stand.until(waiting, "blocked")
                assert blocked.blocked
                assert blocked.blocked.code == "right_missing"
                assert stand.world.flag("development").value == "one"
                retried = await steer(stand, blocked, Control.RETRY)
                assert retried.status in ("rolling_back", "rolled_back")
                await stand.until(waiting, "rolled_back")
                assert "asked by olivia" in await details(stand.handle(waiting))
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_whoever_skips_a_stage_whose_rollback_was_refused_gives_the_rollback_up(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
            caller = add_operator(stand.world)
            roll_back_as(stand, waiting, caller)
            revoke(stand.world, caller)
            await stand.delivery.deliver()

            async with stand.worker():
                blocked = await stand.until(waiting, "blocked")
                await steer(stand, blocked, Control.SKIP)
                done = await stand.until(waiting, "completed")
            assert done.rollback
            assert done.rollback.state == "given_up"
            assert stand.world.flag("development").value == "one"

    asyncio.run(story())


def test_a_control_that_comes_while_it_is_put_back_waits_for_the_outcome(postgresql_url: str) -> None:
    """The record shows the outcome a moment before the workflow knows it, and people go by the record."""
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            waiting = await in_staging(stand)
            with nobody_changes_flags(database):
                await roll_back(stand, waiting, to_stage="Development")
                await stand.until_acting(waiting)
                resuming = asyncio.create_task(steer(stand, waiting, Control.RESUME, expected=Expected(visit=waiting.visit + 1)))
                advancing = asyncio.create_task(steer(stand, waiting, Control.ADVANCE, expected=Expected(visit=waiting.visit)))
                await asyncio.sleep(1)

            assert (await resuming).visit == waiting.visit + 1
            with pytest.raises((StageMoved, ControlNotAllowed)):  # Whichever of the two came first.
                await advancing
            assert stand.record(waiting).status == "running"

    asyncio.run(story())
    database.close()


def test_a_control_that_comes_while_it_is_put_back_for_good_is_refused(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            with sqlite.transaction() as store:
                message = RollBackRelease(release=waiting.id)
                request_rollback(store, stand.world.caller, stand.world.project, message, datetime.now(tz=UTC))
            with sqlite.transaction():  # Whoever wants to write has to wait.
                await stand.releases.look_again(waiting.workflow_id)
                await stand.until_acting(waiting)
                skipping = asyncio.create_task(steer(stand, waiting, Control.SKIP))
                await asyncio.sleep(0.5)

            with pytest.raises(ControlNotAllowed) as refused:
                await skipping
            assert refused.value.details["status"] == "rolled_back"

    asyncio.run(story())
