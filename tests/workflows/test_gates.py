"""Due stages that are held back by a window, a freeze or a stop."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.store.database import Database
from domain.errors import ControlNotAllowed
from domain.releases.control import Control
from tests.pipelines import enable, pipeline, rollout, stage, window
from tests.workflows.controls import pause, send, until_paused
from tests.workflows.gates import add_stop, gated, lift, until_held, until_held_in_workflow
from tests.workflows.harness import dev_server_harness, time_skipping_harness

LATENESS = timedelta(minutes=2)
"""The allowed lateness of a change on a busy machine."""


def test_stage_and_each_step_of_its_rollout_wait_for_their_window(sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            now = await harness.env.get_current_time()
            opens = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
            closes = opens + timedelta(hours=2)
            office_hours = window(f"{opens:%H:%M}", f"{closes:%H:%M}")
            harness.world.publish(gated(office_hours, actions=[rollout(initial=50, step=50, every="3h")]))
            release = await harness.add()
            record, held = await until_held(harness, release, "window")
            assert held.until == record.acts_at == opens

            await harness.env.sleep(opens - now + timedelta(minutes=5))
            await harness.env.sleep(timedelta(days=1, hours=3))
            await harness.until(release, "completed")

            first, second = harness.changes(release)
            assert timedelta(0) <= first.made_at - opens < LATENESS
            assert timedelta(0) <= second.made_at - (opens + timedelta(days=1)) < LATENESS

    asyncio.run(scenario())


def test_stop_holds_back_due_stages_in_its_scope_until_it_is_lifted(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Everyone", "production", "1s")))
            release = await harness.add()
            stop = add_stop(harness, environment="production")
            add_stop(harness, environment="staging")

            async with harness.worker():
                _, held = await until_held(harness, release, "stopped")
                assert held.until is None
                await until_held_in_workflow(harness, release)
                with pytest.raises(ControlNotAllowed, match="does not bypass a gate"):
                    await send(harness, release, Control.ADVANCE)
                await pause(harness, release)
                await until_paused(harness, release)
                await send(harness, release, Control.RESUME)
                await until_held(harness, release, "stopped")
                assert harness.changes(release) == []

                await lift(harness, stop)
                await harness.until(release, "completed")

    asyncio.run(scenario())


@pytest.mark.parametrize("expires_in", [None, timedelta(hours=3)])
@pytest.mark.parametrize("actions", [[enable()], []])
def test_stage_counts_as_able_to_act_from_the_lifting_of_its_stop(
    sqlite: Database, expires_in: timedelta | None, actions: list[dict[str, Any]]
) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Everyone", "production", "1s", actions)))
            stop = add_stop(harness, expires_at=datetime.now(tz=UTC) + expires_in if expires_in else None)
            release = await harness.add()
            await until_held(harness, release, "stopped")
            await until_held_in_workflow(harness, release)
            await asyncio.sleep(1)  # The stop is lifted noticeably later than the stage was due.

            lifted_at = datetime.now(tz=UTC)
            await lift(harness, stop)
            await harness.until(release, "completed")

            [run] = harness.runs(release)
            assert run.acts_at
            assert run.acted_at
            assert lifted_at - timedelta(seconds=0.2) <= run.acts_at <= run.acted_at

    asyncio.run(scenario())


def test_stop_lifted_while_the_workflow_continues_as_new_no_longer_holds_the_stage_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Everyone", "production")))
            stop = add_stop(harness)
            async with harness.worker():
                release = await harness.add()
                await until_held(harness, release, "stopped")
                await until_held_in_workflow(harness, release)
            await harness.handle(release).signal("roll_over")
            await lift(harness, stop)

            async with harness.worker():
                await harness.until(release, "completed")

    asyncio.run(scenario())


def test_stage_acts_by_itself_when_its_stop_expires_even_after_continuing_as_new(sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker(max_cached_workflows=0):
            expires_at = await harness.env.get_current_time() + timedelta(hours=1)
            add_stop(harness, expires_at=expires_at)
            harness.world.publish(pipeline(stage("Everyone", "production")))
            release = await harness.add()
            await until_held(harness, release, "stopped")
            await harness.handle(release).signal("roll_over")

            await harness.env.sleep(timedelta(hours=1, minutes=1))
            await harness.until(release, "completed")
            assert harness.changes(release)[0].made_at >= expires_at

    asyncio.run(scenario())
