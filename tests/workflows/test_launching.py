"""Launch times and parameters: one pipeline serves many flags."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.database import Database
from domain.flags.flag import FlagState
from domain.instant import print_instant
from domain.releases.control import Control
from tests.pipelines import enable, hold, pipeline, stage, until
from tests.workflows.controls import pause, send, until_paused
from tests.workflows.harness import dev_server_harness, time_skipping_harness


def launch(*, timezone: str | None = None) -> dict[str, Any]:
    """Return a pipeline that is given its launch time and value when a flag is added."""
    value = {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "value"}}
    return pipeline(
        stage("Preparation", "production", actions=[enable(enabled=False), value]),
        stage("Launch", "production") | {"trigger": until(parameter="launch_at", timezone=timezone)},
        hold("Post-launch", "2d"),
        parameters={"launch_at": {"type": "datetime"}, "value": {"type": "string"}},
    )


def test_flag_waits_for_its_own_launch_time_with_its_own_value(sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            harness.world.publish(launch())
            launch_at = (await harness.env.get_current_time()).replace(microsecond=0) + timedelta(hours=1)
            release = await harness.add(parameters={"launch_at": print_instant(launch_at), "value": "sale"})

            waiting = await harness.until(release, "running", stage="Launch")
            assert waiting.acts_at == launch_at
            assert harness.world.flag("production") == FlagState(enabled=False, value="sale")

            await harness.env.sleep(timedelta(hours=1, minutes=1))
            await harness.until(release, "running", stage="Post-launch")
            assert harness.world.flag("production") == FlagState(enabled=True, value="sale")
            assert timedelta(0) <= harness.changes(release)[-1].made_at - launch_at < timedelta(minutes=1)

    asyncio.run(scenario())


def test_launch_time_that_has_passed_is_due_at_once(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(launch(timezone="Europe/Berlin"))
            release = await harness.add(parameters={"launch_at": "2026-01-01T09:00", "value": "sale"})

            launched = await harness.until(release, "running", stage="Post-launch")

            prepared, _ = harness.changes(release)
            assert harness.runs(release)[1].acts_at == prepared.made_at == harness.runs(release)[1].entered_at
            assert launched.parameters == {"launch_at": "2026-01-01T09:00", "value": "sale"}

    asyncio.run(scenario())


def test_pause_does_not_move_a_launch_time(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(launch())
            launch_at = datetime.now(tz=UTC).replace(microsecond=0) + timedelta(hours=1)
            release = await harness.add(parameters={"launch_at": print_instant(launch_at), "value": "sale"})
            waiting = await harness.until(release, "running", stage="Launch")
            await harness.until_timer_set(release)

            await pause(harness, waiting)
            await until_paused(harness, waiting)
            await asyncio.sleep(1.5)  # The pause lasts noticeably long.
            resumed = await send(harness, waiting, Control.RESUME)
            assert resumed.acts_at == launch_at

    asyncio.run(scenario())
