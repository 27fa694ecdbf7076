"""Phased rollouts: steps within a stage, each a change of its own."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from activities.store.database import Database
from domain.flags.flag import FlagState, Rollout
from domain.flags.patch import FlagPatch
from domain.releases.control import Control
from domain.releases.plan import shares_left
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from domain.releases.waiting import PATIENCE
from tests.pipelines import hold, pipeline, rollout, stage
from tests.waiting import sleep_until, wait_until
from tests.workflows.harness import Stand, real_stand, skipping_stand
from tests.workflows.rollbacks import roll_back
from tests.workflows.test_blocked import by_olivia, change_by_hand
from tests.workflows.test_controls import pause, steer, until_paused
from tests.workflows.test_ending import remove

HOUR = timedelta(hours=1)


def ramp(every: str = "6h", **more: Any) -> dict[str, Any]:
    return pipeline(stage("Ramp", "production", actions=[rollout(every=every, value="v2", **more)]), hold("Watch", "1h"), key="standard")


def shares(stand: Stand, release: Release) -> list[int | None]:
    """The share after each change; none where the rollout is over."""
    return [change.after.rollout.percent if change.after.rollout else None for change in stand.changes(release)]


async def until_made(stand: Stand, release: Release, number: int) -> None:
    """Return once that many changes are made."""
    await wait_until(f"{number} changes", lambda: len(stand.changes(release)) >= number)


async def until_share(stand: Stand, release: Release, percent: int) -> Release:
    """The record, once that share is made and the workflow waits for the next step."""
    await until_made(stand, release, (10, 40, 70).index(percent) + 1)
    await stand.until_waiting(release)
    return stand.record(release)


def test_a_rollout_grows_step_by_step_and_leaves_the_plain_state(sqlite: Database) -> None:
    async def story() -> None:
        async with skipping_stand(sqlite) as stand, stand.worker():
            stand.world.publish(ramp())
            release = await stand.add()
            first = await until_share(stand, release, 10)
            assert stand.world.flag("production") == FlagState(
                enabled=False, value="classic", rollout=Rollout(percent=10, enabled=True, value="v2")
            )
            assert (first.step, first.visit, first.stage) == (2, 1, "Ramp")

            await stand.env.sleep(18 * HOUR + timedelta(minutes=1))
            await stand.until(release, "running", stage="Watch")

            assert shares(stand, release) == [10, 40, 70, None]
            assert stand.world.flag("production") == FlagState(enabled=True, value="v2")
            made = [change.made_at for change in stand.changes(release)]
            gaps = [later - earlier for earlier, later in pairwise(made)]
            assert all(6 * HOUR <= gap < 6 * HOUR + PATIENCE for gap in gaps), "no step is overdue"
            assert [change.key for change in stand.changes(release)] == [f"{release.id}/1/{step}" for step in (1, 2, 3, 4)]
            assert [run.outcome for run in stand.runs(release)] == [StageOutcome.ACTED, StageOutcome.PENDING]
            assert len([entry for entry in stand.audit(release) if entry.event == "flag.changed"]) == 4
            assert stand.runs(release)[1].entered_at == made[-1]

    asyncio.run(story())


def test_a_late_worker_never_leaps(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            every = timedelta(seconds=3)
            stand.world.publish(ramp(every="3s"))
            async with stand.worker():
                release = await stand.add()
                await until_made(stand, release, 1)
            done, last = shares(stand, release), stand.changes(release)[-1].made_at
            assert done in ([10], [10, 40], [10, 40, 70])
            await asyncio.to_thread(sleep_until, last + 3 * every)
            assert shares(stand, release) == done

            async with stand.worker():
                await stand.until(release, "running", stage="Watch")

            assert shares(stand, release) == [10, 40, 70, None]
            made = [change.made_at for change in stand.changes(release)]
            gaps = [later - earlier for earlier, later in pairwise(made)]
            assert gaps[len(done) - 1] > 3 * every
            assert min(gaps) >= every

    asyncio.run(story())


def test_advance_goes_to_the_next_step_and_a_pause_holds_it(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(ramp())
            release = await stand.add()
            await until_share(stand, release, 10)

            await steer(stand, release, Control.ADVANCE, "to-40")
            waiting = await until_share(stand, release, 40)
            assert waiting.acts_at == stand.changes(release)[-1].made_at + 6 * HOUR

            paused = await pause(stand, release, waiting.acts_at - HOUR)
            await until_paused(stand, release)
            assert paused.paused
            assert paused.paused.remaining == HOUR

            await steer(stand, release, Control.RESUME, "on")
            await steer(stand, release, Control.ADVANCE, "to-70")
            await until_share(stand, release, 70)
            await steer(stand, release, Control.ADVANCE, "to-100")
            await stand.until(release, "running", stage="Watch")
            assert shares(stand, release) == [10, 40, 70, None]

    asyncio.run(story())


@pytest.mark.parametrize("control", [Control.SKIP, Control.RESTART])
def test_a_stage_left_in_the_middle_of_its_rollout_leaves_the_share_and_a_restart_begins_anew(sqlite: Database, control: Control) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(ramp())
            release = await stand.add()
            await until_share(stand, release, 10)
            await steer(stand, release, Control.ADVANCE, "to-40")
            await until_share(stand, release, 40)

            if control is Control.SKIP:
                await steer(stand, release, Control.SKIP)
                await stand.until(release, "running", stage="Watch")
                expected = [10, 40]
            else:
                await steer(stand, release, Control.RESTART, stage="Ramp")
                expected = [10, 40, 10]
                await until_made(stand, release, 3)

            assert shares(stand, release) == expected
            flag = stand.world.flag("production")
            assert flag.rollout
            assert flag.rollout.percent == expected[-1]

    asyncio.run(story())


def test_disabling_by_hand_ends_the_rollout_and_its_next_step_asks_a_person(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(ramp())
            release = await stand.add()
            await until_share(stand, release, 10)
            change_by_hand(stand.world, FlagPatch(enabled=False))
            assert stand.world.flag("production").rollout is None

            await steer(stand, release, Control.ADVANCE)
            blocked = await stand.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "flag_changed_by_hand"
            assert blocked.step == 2

            await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand, overwrite=True), "overwrite")
            await until_share(stand, release, 40)
            assert stand.world.flag("production").rollout == Rollout(percent=40, enabled=True, value="v2")

    asyncio.run(story())


def test_a_removed_release_leaves_its_rollout_where_it_is(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(ramp())
            release = await stand.add()
            await until_share(stand, release, 10)

            remove(stand, release)
            await stand.delivery.deliver()
            await stand.handle(release).result()

            assert stand.world.flag("production").rollout == Rollout(percent=10, enabled=True, value="v2")
            assert shares(stand, release) == [10]

    asyncio.run(story())


def test_a_rollout_goes_on_where_it_was_after_it_continued_as_new_and_without_a_cache(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(max_cached_workflows=0):
            stand.world.publish(ramp(every="1s"))
            release = await stand.add()
            await until_made(stand, release, 2)
            await stand.handle(release).signal("roll_over")

            await stand.until(release, "running", stage="Watch")

            assert shares(stand, release) == [10, 40, 70, None]

    asyncio.run(story())


def test_a_rollout_in_the_middle_is_rolled_back_to_what_was_before_its_stage(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            before = stand.world.flag("production")
            stand.world.publish(ramp(every="1s"))
            release = await stand.add()
            await until_made(stand, release, 2)

            await roll_back(stand, release)

            done = await stand.until(release, "rolled_back")
            assert stand.world.flag("production") == before
            assert done.rollback
            assert done.rollback.left_alone == ()
            assert shares_left(stand.changes(release)) == {}
            assert stand.changes(release)[-1].undoes_from == 0

    asyncio.run(story())


def test_a_release_goes_back_before_its_rollout_and_begins_at_the_first_share_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            before = stand.world.flag("production")
            stand.world.publish(pipeline(stage("Development"), stage("Ramp", "production", actions=[rollout(every="1h")])))
            release = await stand.add()
            await until_made(stand, release, 2)
            await stand.until_waiting(release)

            await roll_back(stand, stand.record(release), to_stage="Development")

            back = await stand.until(release, "paused")
            assert (back.stage, back.visit, back.step) == ("Ramp", 3, 1)
            assert stand.world.flag("production") == before
            await until_paused(stand, release)
            await steer(stand, back, Control.RESUME)
            await until_made(stand, release, 4)
            assert [change.after.rollout.percent for change in stand.changes(release) if change.after.rollout] == [10, 10]
            assert shares_left(stand.changes(release)) == {"production": 10}

    asyncio.run(story())
