"""Phased rollouts: the steps of a stage, each with a change of its own."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from activities.store.database import Database
from domain.errors import StageMoved
from domain.flags.flag import FlagState, Rollout
from domain.flags.patch import FlagPatch
from domain.releases.control import Control, Expected
from domain.releases.status import StageOutcome
from tests.waiting import wait_until
from tests.workflows.controls import change_by_hand, pause, remove, send, until_paused
from tests.workflows.harness import dev_server_harness, time_skipping_harness
from tests.workflows.ramps import ramp, shares, until_share

HOUR = timedelta(hours=1)


def test_rollout_grows_step_by_step_and_leaves_the_plain_state(sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            first = await until_share(harness, release, 10)
            assert harness.world.flag("production") == FlagState(
                enabled=False, value="classic", rollout=Rollout(percent=10, enabled=True, value="v2")
            )
            assert (first.step, first.visit, first.stage) == (2, 1, "Ramp")

            await harness.env.sleep(19 * HOUR)
            await harness.until(release, "running", stage="Watch")

            assert shares(harness, release) == [10, 40, 70, None]
            assert harness.world.flag("production") == FlagState(enabled=True, value="v2")
            made = [change.made_at for change in harness.changes(release)]
            gaps = [later - earlier for earlier, later in pairwise(made)]
            assert all(6 * HOUR <= gap < 6 * HOUR + timedelta(minutes=2) for gap in gaps)
            assert [change.key for change in harness.changes(release)] == [f"{release.id}/1/{step}" for step in (1, 2, 3, 4)]
            assert [run.outcome for run in harness.runs(release)] == [StageOutcome.ACTED, StageOutcome.PENDING]
            assert len([entry for entry in harness.audit(release) if entry.event == "flag.changed"]) == 4
            assert harness.runs(release)[1].entered_at == made[-1]

    asyncio.run(scenario())


def test_second_person_who_advances_the_step_that_both_saw_is_refused(sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            shown = await until_share(harness, release, 10)
            seen = Expected(stage=shown.stage, visit=shown.visit, step=shown.step)

            await send(harness, release, Control.ADVANCE, "vera", expected=seen)
            moved = await until_share(harness, release, 40)
            with pytest.raises(StageMoved) as refused:
                await send(harness, release, Control.ADVANCE, "victor", expected=seen)

            assert refused.value.details == {"stage": "Ramp", "visit": 1, "step": 3}
            assert (moved.visit, moved.step, shares(harness, release)) == (1, 3, [10, 40])

    asyncio.run(scenario())


def test_late_worker_does_not_skip_or_hurry_steps(sqlite: Database) -> None:
    every = timedelta(seconds=3)

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(ramp(every="3s"))
            async with harness.worker():
                release = await harness.add()
                await harness.until_changes(release, 1)
            before = shares(harness, release)
            await asyncio.sleep(2 * every.total_seconds() + 1)  # Without a worker, two steps come due.
            assert shares(harness, release) == before

            async with harness.worker():
                await harness.until(release, "running", stage="Watch")

            assert shares(harness, release) == [10, 40, 70, None]
            made = [change.made_at for change in harness.changes(release)]
            assert all(later - earlier >= every for earlier, later in pairwise(made))

    asyncio.run(scenario())


def test_advance_moves_to_the_next_step_and_pause_holds_it(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)

            await send(harness, release, Control.ADVANCE, "to-40")
            waiting = await until_share(harness, release, 40)
            assert waiting.acts_at == harness.changes(release)[-1].made_at + 6 * HOUR

            paused = await pause(harness, release, waiting.acts_at - HOUR)
            await until_paused(harness, release)
            assert paused.paused
            assert paused.paused.remaining == HOUR

            await send(harness, release, Control.RESUME, "on")
            await send(harness, release, Control.ADVANCE, "to-70")
            await until_share(harness, release, 70)
            await send(harness, release, Control.ADVANCE, "to-100")
            await harness.until(release, "running", stage="Watch")
            assert shares(harness, release) == [10, 40, 70, None]

    asyncio.run(scenario())


@pytest.mark.parametrize("control", [Control.SKIP, Control.RESTART])
def test_skip_during_a_rollout_keeps_its_share_and_restart_begins_again(sqlite: Database, control: Control) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)
            await send(harness, release, Control.ADVANCE, "to-40")
            await until_share(harness, release, 40)

            if control is Control.SKIP:
                await send(harness, release, Control.SKIP)
                await harness.until(release, "running", stage="Watch")
                expected = [10, 40]
            else:
                await send(harness, release, Control.RESTART, stage="Ramp")
                expected = [10, 40, 10]
                await harness.until_changes(release, 3)

            assert shares(harness, release) == expected
            flag = harness.world.flag("production")
            assert flag.rollout
            assert flag.rollout.percent == expected[-1]

    asyncio.run(scenario())


def test_disabling_by_hand_ends_the_rollout_and_its_next_step_blocks(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)
            change_by_hand(harness.world, FlagPatch(enabled=False))
            assert harness.world.flag("production").rollout is None

            await send(harness, release, Control.ADVANCE)
            blocked = await harness.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "flag_changed_by_hand"
            assert blocked.step == 2

            await send(harness, blocked, Control.RETRY, overwrite=True)
            await until_share(harness, release, 40)
            assert harness.world.flag("production").rollout == Rollout(percent=40, enabled=True, value="v2")

    asyncio.run(scenario())


def test_removing_a_release_keeps_the_share_of_its_rollout(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)

            remove(harness, release)
            await harness.run_outbox()
            await harness.result(harness.handle(release))

            assert harness.world.flag("production").rollout == Rollout(percent=10, enabled=True, value="v2")
            assert shares(harness, release) == [10]

    asyncio.run(scenario())


def test_rollout_continues_after_continuing_as_new_and_without_a_cache(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(max_cached_workflows=0):
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)
            handle = harness.handle(release)
            first_run = (await handle.describe()).run_id
            await handle.signal("roll_over")

            async def is_next_run() -> bool:
                return (await handle.describe()).run_id != first_run

            await wait_until("the second run", is_next_run)
            for share in (40, 70):
                await send(harness, release, Control.ADVANCE, f"to-{share}")
                await until_share(harness, release, share)
            await send(harness, release, Control.ADVANCE, "to-100")
            await harness.until(release, "running", stage="Watch")

            assert shares(harness, release) == [10, 40, 70, None]

    asyncio.run(scenario())
