"""Decisions while a release is rolled back, and rollbacks that are blocked."""

import asyncio

import pytest

from activities.store.database import Database
from domain.errors import ControlNotAllowed, StageMoved
from domain.releases.control import Control, Expected
from tests.activities.rollbacks import add_operator, revoke
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import project_locked, remove, send, until_blocked, waiting_in_staging
from tests.workflows.harness import dev_server_harness
from tests.workflows.rollbacks import request_as, roll_back
from tests.workflows.web_ui import details


def test_removal_cancels_a_rollback_that_cannot_be_carried_out(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            with project_locked(database):
                await roll_back(harness, waiting)
                await harness.until_attempt_running(harness.handle(waiting))
                remove(harness, waiting)
                await harness.run_outbox()
                await harness.until_attempt_cancelled(harness.handle(waiting))

            assert await harness.result(harness.handle(waiting)) == {"status": "removed"}
            assert harness.world.flag("development").value == "one"

    asyncio.run(scenario())
    database.close()


def test_missing_right_blocks_a_rollback_and_a_retry_carries_it_out_for_the_person_who_retries(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                waiting = await waiting_in_staging(harness)
            caller = add_operator(harness.world)
            request_as(harness, waiting, caller)
            revoke(harness.world, caller)
            await harness.run_outbox()

            async with harness.worker():
                blocked = await harness.until(waiting, "blocked")
                assert blocked.blocked
                assert blocked.blocked.code == "right_missing"
                assert harness.world.flag("development").value == "one"
                await until_blocked(harness, waiting)
                retried = await send(harness, blocked, Control.RETRY)
                assert retried.status in ("rolling_back", "rolled_back")
                assert await harness.result(harness.handle(waiting)) == {"status": "rolled_back"}
                assert "requested by olivia" in await details(harness.handle(waiting))
            assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())


def test_skipping_a_stage_whose_rollback_was_refused_gives_the_rollback_up(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                waiting = await waiting_in_staging(harness)
            caller = add_operator(harness.world)
            request_as(harness, waiting, caller)
            revoke(harness.world, caller)
            await harness.run_outbox()

            async with harness.worker():
                blocked = await harness.until(waiting, "blocked")
                await until_blocked(harness, waiting)
                await send(harness, blocked, Control.SKIP)
                done = await harness.until(waiting, "completed")
            assert done.rollback
            assert done.rollback.state == "given_up"
            assert harness.world.flag("development").value == "one"

    asyncio.run(scenario())


def test_controls_sent_during_a_rollback_wait_for_its_result(sqlite: Database) -> None:
    """The record shows the result a moment before the workflow knows it, and people decide by the record."""

    async def scenario() -> None:
        attempts = HeldAttempts("put_back")
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            waiting = await waiting_in_staging(harness)
            await roll_back(harness, waiting, to_stage="Development")
            await attempts.until_held()
            resume = asyncio.create_task(send(harness, waiting, Control.RESUME, expected=Expected(visit=waiting.visit + 1)))
            advance = asyncio.create_task(send(harness, waiting, Control.ADVANCE, expected=Expected(visit=waiting.visit)))
            await harness.until_updates_accepted(waiting, 2)
            attempts.release()

            assert (await resume).visit == waiting.visit + 1
            with pytest.raises((StageMoved, ControlNotAllowed)):  # It depends on which of the two arrived first.
                await advance
            assert harness.record(waiting).status == "running"

    asyncio.run(scenario())


def test_control_sent_during_a_complete_rollback_is_refused(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts("put_back")
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            waiting = await waiting_in_staging(harness)
            await roll_back(harness, waiting)
            await attempts.until_held()
            skip = asyncio.create_task(send(harness, waiting, Control.SKIP))
            await harness.until_updates_accepted(waiting, 1)
            attempts.release()

            with pytest.raises(ControlNotAllowed) as refused:
                await skip
            assert refused.value.details["status"] == "rolled_back"

    asyncio.run(scenario())
