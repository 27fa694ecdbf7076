"""Rollbacks of phased rollouts."""

import asyncio

from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.plan import shares_left
from tests.pipelines import pipeline, rollout, stage
from tests.workflows.controls import send, until_paused
from tests.workflows.harness import dev_server_harness
from tests.workflows.ramps import ramp, until_share
from tests.workflows.rollbacks import roll_back


def test_rolling_back_a_rollout_halfway_restores_the_flag_from_before_its_stage(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            before = harness.world.flag("production")
            harness.world.publish(ramp())
            release = await harness.add()
            await until_share(harness, release, 10)
            await send(harness, release, Control.ADVANCE)
            await until_share(harness, release, 40)

            await roll_back(harness, release)

            done = await harness.until(release, "rolled_back")
            assert harness.world.flag("production") == before
            assert done.rollback
            assert done.rollback.left_alone == ()
            assert shares_left(harness.changes(release)) == {}
            assert harness.changes(release)[-1].undoes_from == 0

    asyncio.run(scenario())


def test_release_rolled_back_to_before_its_rollout_begins_at_the_first_share_again(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            before = harness.world.flag("production")
            harness.world.publish(pipeline(stage("Development"), stage("Ramp", "production", actions=[rollout(every="1h")])))
            release = await harness.add()
            await harness.until_changes(release, 2)
            await harness.until_timer_set(release)

            await roll_back(harness, harness.record(release), to_stage="Development")

            back = await harness.until(release, "paused")
            assert (back.stage, back.visit, back.step) == ("Ramp", 3, 1)
            assert harness.world.flag("production") == before
            await until_paused(harness, release)
            await send(harness, back, Control.RESUME)
            await harness.until_changes(release, 4)
            assert [change.after.rollout.percent for change in harness.changes(release) if change.after.rollout] == [10, 10]
            assert shares_left(harness.changes(release)) == {"production": 10}

    asyncio.run(scenario())
