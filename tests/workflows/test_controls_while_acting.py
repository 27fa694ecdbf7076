"""Controls that arrive while a stage acts."""

import asyncio

import pytest

from activities.store.database import Database
from domain.errors import StageMoved
from domain.releases.control import Control, Expected
from tests.pipelines import pipeline, set_value, stage
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import project_locked, send, until_admitted
from tests.workflows.harness import dev_server_harness
from tests.workflows.ramps import ramp, shares

LATER = stage("Staging", "staging", "1h")


def test_skip_cancels_a_change_that_cannot_be_made(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", wait="1h", actions=[set_value("one")]), LATER))
            release = await harness.add()
            await harness.until_timer_set(release)
            with project_locked(database):
                await send(harness, release, Control.ADVANCE)
                await harness.until_attempt_running(harness.handle(release))

                skipped = await send(harness, release, Control.SKIP)

            assert (skipped.stage, skipped.status) == ("Staging", "running")
            await harness.until_timer_set(release)
            assert harness.changes(release) == []
            assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())
    database.close()


def test_change_made_while_it_is_being_cancelled_counts(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts()
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(pipeline(stage("Development", actions=[set_value("one")]), LATER))
            release = await harness.add()
            await attempts.until_held()
            skip = asyncio.create_task(send(harness, release, Control.SKIP, expected=Expected(visit=1)))
            await harness.until_attempt_cancelled(harness.handle(release))
            attempts.release()

            with pytest.raises(StageMoved):
                await skip
            moved = await harness.until(release, "running", stage="Staging")
            assert moved.visit == 2
            assert [run.outcome for run in harness.runs(release)] == ["acted", "pending"]

    asyncio.run(scenario())


def test_skip_of_the_next_step_waits_for_the_step_that_acts(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts()
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(ramp())
            release = await harness.add()
            await attempts.until_held()
            skip = asyncio.create_task(send(harness, release, Control.SKIP, "skip", expected=Expected(visit=1, step=2)))
            advance = asyncio.create_task(send(harness, release, Control.ADVANCE, "advance", expected=Expected(visit=1, step=1)))
            await until_admitted(harness, release, "skip", "advance")
            attempts.release()

            assert (await skip).stage == "Watch"
            with pytest.raises(StageMoved):
                await advance
            assert shares(harness, release) == [10]

    asyncio.run(scenario())
