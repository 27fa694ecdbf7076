"""Launch times and parameters: one pipeline serves many flags."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.database import Database
from domain.flags.flag import FlagState
from domain.instant import print_instant
from domain.releases.control import Control
from domain.releases.waiting import PATIENCE
from tests.pipelines import enable, hold, pipeline, stage, until
from tests.workflows.harness import real_stand, skipping_stand
from tests.workflows.test_controls import pause, steer, until_paused


def launch(*, timezone: str | None = None) -> dict[str, Any]:
    value = {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "value"}}
    return pipeline(
        stage("Preparation", "production", actions=[enable(enabled=False), value]),
        stage("Launch", "production") | {"trigger": until(parameter="launch_at", timezone=timezone)},
        hold("Post-launch", "2d"),
        parameters={"launch_at": {"type": "datetime"}, "value": {"type": "string"}},
    )


def test_a_flag_waits_for_its_launch_time_with_its_own_value(sqlite: Database) -> None:
    async def story() -> None:
        async with skipping_stand(sqlite) as stand, stand.worker():
            stand.world.publish(launch())
            at = (await stand.env.get_current_time()).replace(microsecond=0) + timedelta(days=3)
            release = await stand.add(parameters={"launch_at": print_instant(at), "value": "sale"})

            waiting = await stand.until(release, "running", stage="Launch")
            assert waiting.acts_at == at
            assert stand.world.flag("production") == FlagState(enabled=False, value="sale")

            await stand.env.sleep(timedelta(days=3, minutes=1))
            await stand.until(release, "running", stage="Post-launch")
            assert stand.world.flag("production") == FlagState(enabled=True, value="sale")
            assert timedelta(0) <= stand.changes(release)[-1].made_at - at < PATIENCE

    asyncio.run(story())


def test_a_launch_time_that_has_passed_acts_at_once(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(launch(timezone="Europe/Berlin"))
            release = await stand.add(parameters={"launch_at": "2026-01-01T09:00", "value": "sale"})

            launched = await stand.until(release, "running", stage="Post-launch")

            prepared, made = stand.changes(release)
            assert stand.runs(release)[1].acts_at == prepared.made_at == stand.runs(release)[1].entered_at
            assert made.made_at - prepared.made_at < PATIENCE
            assert launched.parameters == {"launch_at": "2026-01-01T09:00", "value": "sale"}

    asyncio.run(story())


def test_a_pause_does_not_move_a_launch_time(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(launch())
            at = datetime.now(tz=UTC).replace(microsecond=0) + timedelta(hours=1)
            release = await stand.add(parameters={"launch_at": print_instant(at), "value": "sale"})
            waiting = await stand.until(release, "running", stage="Launch")
            await stand.until_waiting(release)

            await pause(stand, waiting)
            await until_paused(stand, waiting)
            await asyncio.sleep(1.5)
            resumed = await steer(stand, waiting, Control.RESUME)
            assert resumed.acts_at == at

    asyncio.run(story())
