"""Rollbacks of releases under way: the record accepts the request, and the workflow carries it out, even while a stage acts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.status import StageOutcome
from tests.pipelines import hold, pipeline, set_value, stage
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import project_locked, send, until_paused, waiting_in_staging
from tests.workflows.harness import dev_server_harness
from tests.workflows.rollbacks import ONE_STAGE, request, roll_back
from tests.workflows.web_ui import details, summaries

ENVIRONMENTS = ("development", "staging", "production")
DEVELOPMENT = stage("Development", actions=[set_value("one")])
STAGING = stage("Staging", "staging", "1h", [set_value("two")])
PRODUCTION = stage("Production", "production", "1s", [set_value("three")])


def test_waiting_release_is_rolled_back_completely_and_its_workflow_ends(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            await roll_back(harness, waiting)

            handle = harness.handle(waiting)
            assert await harness.result(handle) == {"status": "rolled_back"}
            assert harness.record(waiting).status == "rolled_back"
            assert harness.world.flag("development").value == "classic"
            assert [run.outcome for run in harness.runs(waiting)] == [StageOutcome.ROLLED_BACK] * 2
            assert "Roll back all changes, requested by olivia" in await summaries(handle)
            text = await details(handle)
            assert "1. **Development** (development): rolled back" in text
            assert "requested by olivia" in text
            assert harness.world.add().id != waiting.id, "the flag is free for a new release"

    asyncio.run(scenario())


def test_release_rolled_back_to_a_stage_waits_paused_continues_and_can_be_rolled_back_again(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(DEVELOPMENT, STAGING, PRODUCTION, hold("Watch", "1h")))
            release = await harness.add()
            waiting = await harness.until(release, "running", stage="Staging")
            await harness.until_timer_set(release)
            await send(harness, waiting, Control.ADVANCE)
            watching = await harness.until(release, "running", stage="Watch")

            await roll_back(harness, watching, to_stage="Development")

            back = await harness.until(release, "paused")
            assert back.paused
            assert (back.stage, back.visit, back.paused.remaining, back.paused.by) == ("Staging", 5, timedelta(hours=1), "olivia")
            assert [harness.world.flag(each).value for each in ENVIRONMENTS] == ["one", "classic", "classic"]
            await until_paused(harness, release)
            assert "**Paused** by olivia" in await details(harness.handle(release))

            before_resuming = datetime.now(tz=UTC)
            resumed = await send(harness, back, Control.RESUME)
            assert resumed.acts_at
            assert resumed.acts_at > before_resuming + timedelta(minutes=59)
            await send(harness, resumed, Control.ADVANCE)
            again = await harness.until(release, "running", stage="Watch")
            assert harness.world.flag("production").value == "three"
            outcomes = [run.outcome.value for run in harness.runs(release)]
            assert outcomes == ["acted", *["rolled_back"] * 3, "acted", "acted", "pending"]

            await roll_back(harness, again)
            await harness.until(release, "rolled_back")
            assert [harness.world.flag(each).value for each in ENVIRONMENTS] == ["classic"] * 3

    asyncio.run(scenario())


def test_rollback_cancels_a_change_that_cannot_be_made(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def scenario() -> None:
        async with dev_server_harness(database) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", wait="1h", actions=[set_value("one")]), STAGING))
            release = await harness.add()
            await harness.until_timer_set(release)
            with project_locked(database):
                await send(harness, release, Control.ADVANCE)
                await harness.until_attempt_running(harness.handle(release))
                await roll_back(harness, release)
                await harness.until_attempt_cancelled(harness.handle(release))

            await harness.until(release, "rolled_back")
            assert harness.changes(release) == []
            assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())
    database.close()


@pytest.mark.parametrize("after_commit", [False, True])
def test_rollback_requested_during_a_change_undoes_it_if_it_was_committed_first(sqlite: Database, after_commit: bool) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts(after_commit=after_commit)
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(pipeline(DEVELOPMENT, STAGING))
            release = await harness.add()
            await attempts.until_held()
            await asyncio.to_thread(request, harness, release)
            attempts.release()
            await harness.run_outbox()

            await harness.until(release, "rolled_back")
            assert harness.world.flag("development").value == "classic"
            made = [change for change in harness.changes(release) if change.undoes_from is None]
            assert len(made) == int(after_commit)
            assert len(harness.changes(release)) == 2 * len(made)

    asyncio.run(scenario())


def test_rollback_requested_before_the_start_is_carried_out_once_temporal_and_a_worker_are_up(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(ONE_STAGE)
            never_started = harness.world.add()
            request(harness, never_started)
            assert harness.record(never_started).status == "rolling_back"

            async with harness.worker():
                await harness.run_outbox()
                await harness.until(never_started, "rolled_back")
                assert await harness.result(harness.handle(never_started)) == {"status": "rolled_back"}
            assert harness.changes(never_started) == []

    asyncio.run(scenario())
