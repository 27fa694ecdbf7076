"""Pausing and resuming: the clock of a wait stops and continues."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, pause_release
from activities.store.database import Database
from domain.releases.control import Control
from tests.pipelines import pipeline, set_value, stage
from tests.workflows.controls import pause, send, until_paused, waiting_in_staging
from tests.workflows.harness import dev_server_harness

SLACK = timedelta(seconds=1)
"""The clocks of the test and of Temporal may differ by this much."""


def test_pause_stops_the_clock_and_resume_continues_it(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            assert waiting.acts_at

            began = datetime.now(tz=UTC)
            paused = await pause(harness, waiting)
            assert paused.paused
            assert (paused.status, paused.acts_at) == ("paused", None)
            assert paused.paused.remaining == waiting.acts_at - paused.paused.since
            await until_paused(harness, waiting)
            await asyncio.sleep(1)  # The pause lasts at least this long.

            resumed = await send(harness, waiting, Control.RESUME)
            assert resumed.status == "running"
            assert resumed.acts_at
            assert (resumed.visit, resumed.entered_at, resumed.paused) == (waiting.visit, waiting.entered_at, None)
            assert timedelta(seconds=1) < resumed.acts_at - waiting.acts_at < datetime.now(tz=UTC) - began + SLACK
            assert (await harness.place(waiting)).acts_at == resumed.acts_at

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=3), timedelta(minutes=-3)])
def test_pause_with_a_wrong_clock_neither_shortens_nor_lengthens_a_wait(sqlite: Database, wrong_by: timedelta) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            assert waiting.acts_at
            assert waiting.entered_at
            await pause(harness, waiting, datetime.now(tz=UTC) + wrong_by)
            await until_paused(harness, waiting)

            resumed = await send(harness, waiting, Control.RESUME)

            assert resumed.acts_at
            assert timedelta(0) <= resumed.acts_at - waiting.acts_at < datetime.now(tz=UTC) - waiting.entered_at + SLACK

    asyncio.run(scenario())


def test_pause_holds_a_stage_that_comes_due_before_the_workflow_knows_of_the_pause(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development", actions=[set_value("one")])))
            release = await harness.add()
            with harness.world.database.transaction() as store:
                request = EndOrPauseRelease(release=release.id)
                pause_release(store, harness.world.caller, harness.world.project, request, datetime.now(tz=UTC))

            async with harness.worker():
                await until_paused(harness, release)
                assert harness.record(release).status == "paused"
                assert harness.changes(release) == []

                await send(harness, release, Control.RESUME)
                await harness.until(release, "completed")
            assert harness.world.flag("development").value == "one"

    asyncio.run(scenario())


def test_release_paused_before_its_start_keeps_its_whole_wait(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", wait="1h")))
            release = harness.world.add()

            paused = await pause(harness, release)
            assert paused.paused
            assert paused.paused.remaining == timedelta(hours=1)

            await until_paused(harness, release)
            before_resuming = datetime.now(tz=UTC)
            resumed = await send(harness, release, Control.RESUME)
            assert resumed.acts_at
            assert resumed.acts_at >= before_resuming + timedelta(hours=1) - SLACK

    asyncio.run(scenario())
