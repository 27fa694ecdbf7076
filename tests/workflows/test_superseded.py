"""Workflows that find the record ahead of them after a reset."""

import asyncio

from activities.store.database import Database
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.pipelines import hold, pipeline, rollout, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import pause, send, until_blocked, until_paused
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.resets import reset
from workflows.messages import ROLL_OVER

HOLDS = pipeline(hold("Watch", "1h"), hold("Watch on", "1h"), hold("Watch longer", "1h"))


def test_workflow_behind_the_record_blocks_until_a_person_decides(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            holds = [hold("Watch", "1s"), hold("Watch on", "1s"), hold("Watch longer", "1h")]
            harness.world.publish(pipeline(stage("Development", actions=[set_value("one")]), *holds))
            release = await harness.add()
            await harness.until(release, "running", stage="Watch longer")
            await harness.until_timer_set(release)

            await reset(harness, harness.handle(release))

            blocked = await harness.until(release, "blocked")
            assert blocked.blocked
            assert (blocked.blocked.code, blocked.stage) == ("superseded", "Watch longer")
            assert len(harness.changes(release)) == 1

            await until_blocked(harness, release)
            await send(harness, blocked, Control.RETRY)
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_control_sent_before_a_reset_is_not_repeated_when_the_record_is_ahead(sqlite: Database) -> None:
    """Temporal applies signals and updates again after a reset."""

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(HOLDS)
            release = harness.world.add()
            await pause(harness, release)
            await until_paused(harness, release)
            await send(harness, release, Control.SKIP)

            await reset(harness, harness.handle(release))

            blocked = await harness.until(release, "blocked")
            await until_blocked(harness, release)
            await harness.until_idle(harness.handle(release))
            assert harness.record(release) == blocked
            assert (blocked.stage, blocked.visit) == ("Watch on", 2)

    asyncio.run(scenario())


async def paused_in_its_second_run(harness: Harness) -> Release:
    """Return a release whose workflow continued as new while it was paused."""
    harness.world.publish(HOLDS)
    release = await harness.add()
    await pause(harness, release)
    await until_paused(harness, release)
    handle = harness.handle(release)
    first_run = (await handle.describe()).run_id
    await handle.signal(ROLL_OVER)

    async def is_next_run() -> bool:
        return (await handle.describe()).run_id != first_run

    await wait_until("the second run", is_next_run)
    return harness.record(release)


def test_control_sent_before_a_reset_is_not_repeated_for_the_next_step_of_a_rollout(sqlite: Database) -> None:
    """The workflow finds its place by the change that the control has caused, and would carry out there what was sent before it."""

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Rollout", wait="1h", actions=[rollout(10, 45, every="1h")])))
            release = await harness.add()
            await harness.until(release, "running")
            await send(harness, release, Control.ADVANCE)
            await harness.until_changes(release, 1)
            await harness.releases.look_again(release.workflow_id)
            await harness.until_timer_set(release)
            before = harness.record(release)

            await reset(harness, harness.handle(release))

            await harness.until_place(release, "the second step", lambda place: place.step == 2)
            await harness.until_idle(harness.handle(release))
            assert harness.record(release) == before
            assert len(harness.changes(release)) == 1

    asyncio.run(scenario())


def test_run_that_began_paused_is_blocked_and_not_paused_when_the_record_is_ahead(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await paused_in_its_second_run(harness)
            for visit in (1, 2):
                await send(harness, release, Control.SKIP, f"skip visit {visit}", expected=Expected(visit=visit))

            await reset(harness, harness.handle(release))

            await harness.until(release, "blocked")
            place = await until_blocked(harness, release)
            assert (place.visit, place.paused) == (3, None)

    asyncio.run(scenario())


def test_release_that_was_resumed_and_paused_again_stays_paused_after_a_reset(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await paused_in_its_second_run(harness)
            await send(harness, release, Control.RESUME, expected=Expected(visit=1))
            await pause(harness, release)
            await until_paused(harness, release)
            paused = harness.record(release)

            await reset(harness, harness.handle(release))
            await harness.releases.look_again(release.workflow_id)
            place = await harness.until_place(
                release, "the reset run to catch up", lambda place: place.paused and place.sequence == paused.sequence
            )
            await harness.until_idle(harness.handle(release))

            assert harness.record(release) == paused
            assert place.paused

    asyncio.run(scenario())
