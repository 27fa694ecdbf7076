"""Stages that are due and wait: for their window, for the end of a freeze, for a stop to be lifted."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.store.database import Database
from domain.errors import ControlNotAllowed
from domain.releases.control import Control
from domain.releases.waiting import PATIENCE
from tests.pipelines import enable, pipeline, rollout, stage, window
from tests.workflows.gates import gated, lift, place, until_at_rest, until_held
from tests.workflows.harness import real_stand, skipping_stand
from tests.workflows.test_controls import pause, steer, until_paused


def test_a_stage_and_each_step_of_its_rollout_wait_for_their_window(sqlite: Database) -> None:
    async def story() -> None:
        async with skipping_stand(sqlite) as stand, stand.worker():
            now = await stand.env.get_current_time()
            opens = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
            shuts = opens + timedelta(hours=2)
            office = window(f"{opens:%H:%M}", f"{shuts:%H:%M}")
            stand.world.publish(gated(office, actions=[rollout(initial=50, step=50, every="3h")]))
            release = await stand.add()
            held = await until_held(stand, release, "window")
            assert held.held
            assert held.held.until == held.acts_at == opens

            await stand.env.sleep(opens - now + timedelta(minutes=5))
            await stand.env.sleep(timedelta(days=1, hours=3))
            await stand.until(release, "completed")

            first, second = stand.changes(release)
            assert timedelta(0) <= first.made_at - opens < PATIENCE
            assert timedelta(0) <= second.made_at - (opens + timedelta(days=1)) < PATIENCE

    asyncio.run(story())


def test_a_stop_holds_whatever_is_due_in_its_scope_until_it_is_lifted(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Everyone", "production", "1s")))
            release = await stand.add()
            stop = place(stand, environment="production")
            place(stand, environment="staging")
            await asyncio.sleep(1.5)

            async with stand.worker():
                held = await until_held(stand, release, "stopped")
                assert held.held
                assert held.held.until is None
                with pytest.raises(ControlNotAllowed, match="a gate can't be cut short"):
                    await steer(stand, release, Control.ADVANCE)
                await pause(stand, release)
                await until_paused(stand, release)
                await steer(stand, release, Control.RESUME)
                await until_held(stand, release, "stopped")
                assert stand.changes(release) == []

                await lift(stand, stop)
                await stand.until(release, "completed")

    asyncio.run(story())


@pytest.mark.parametrize("expires_in", [None, timedelta(hours=3)])
@pytest.mark.parametrize("actions", [[enable()], []])
def test_a_stage_could_act_from_when_its_stop_was_lifted_and_is_not_late_by_it(
    sqlite: Database, expires_in: timedelta | None, actions: list[dict[str, Any]]
) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Everyone", "production", "1s", actions)))
            stop = place(stand, expires_at=datetime.now(tz=UTC) + expires_in if expires_in else None)
            release = await stand.add()
            await until_held(stand, release, "stopped")
            await until_at_rest(stand, release)
            await asyncio.sleep(1)

            lifted_at = datetime.now(tz=UTC)
            await lift(stand, stop)
            await stand.until(release, "completed")

            [run] = stand.runs(release)
            assert run.acts_at
            assert run.acted_at
            assert lifted_at - timedelta(seconds=0.2) <= run.acts_at <= run.acted_at

    asyncio.run(story())


def test_a_stop_that_is_lifted_as_the_workflow_continues_as_new_holds_no_longer(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Everyone", "production")))
            stop = place(stand)
            async with stand.worker():
                release = await stand.add()
                await until_held(stand, release, "stopped")
                await until_at_rest(stand, release)
            await stand.handle(release).signal("roll_over")
            await lift(stand, stop)

            async with stand.worker():
                await stand.until(release, "completed")

    asyncio.run(story())


def test_a_stop_that_expires_lets_the_stage_act_by_itself(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(max_cached_workflows=0):
            until = datetime.now(tz=UTC) + timedelta(seconds=8)
            place(stand, expires_at=until)
            stand.world.publish(pipeline(stage("Everyone", "production")))
            release = await stand.add()
            await until_held(stand, release, "stopped")
            await stand.handle(release).signal("roll_over")

            await stand.until(release, "completed")
            assert stand.changes(release)[0].made_at >= until

    asyncio.run(story())
