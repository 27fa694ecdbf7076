"""Winners of experiments that are shipped in steps, with a real Temporal."""

import asyncio

import pytest

from activities.store.database import Database
from domain.errors import StageMoved
from domain.flags.allocation import percents
from domain.percentage import Percentage
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from tests.activities.experimenting import BETTER, SAME, experiment, give_variants
from tests.pipelines import allocate, enable, hold, pipeline, ship_winner, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import wait_until
from tests.workflows.controls import pause, send, until_paused
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.rollbacks import roll_back


def scripted(*, wins: bool) -> ScriptedMetrics:
    """Return metrics of an experiment that one variant wins, or the control."""
    metrics = ScriptedMetrics()
    metrics.groups["conversion"] = BETTER if wins else SAME
    return metrics


async def ramping(harness: Harness, longest: str = "1h") -> Release:
    """Add a flag whose winner is shipped to 60, 80 and 100%."""
    give_variants(harness.world)
    ship = stage("Ship", "production", actions=[ship_winner()]) | {
        "gates": [experiment(every="1s", longest=longest, shortest="0s", decide_every="1s")]
    }
    split = stage("Split", "production", actions=[enable(), allocate({"one-page": 50})])
    harness.world.publish(pipeline(split, ship, hold("Watch", "7d")))
    return await harness.add()


async def until_step(harness: Harness, release: Release, step: int) -> Release:
    """Wait until the changes before that step are made, and the workflow waits for it."""

    async def is_made() -> bool:
        await harness.run_outbox()
        return len(harness.changes(release)) >= step

    await wait_until(f"{step} changes", is_made)
    await harness.until_place(release, f"step {step}", lambda place: place.step == step)
    return harness.record(release)


def served(harness: Harness) -> dict[str, Percentage]:
    return percents(harness.world.flag("production").allocation)


def test_winner_is_ramped_with_the_controls_of_a_rollout(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(max_cached_workflows=0, metrics=scripted(wins=True)):
            release = await ramping(harness)
            shown = await until_step(harness, release, 2)
            assert served(harness) == {"one-page": 60}
            seen = Expected(stage=shown.stage, visit=shown.visit, step=shown.step)

            await send(harness, release, Control.ADVANCE, "vera", expected=seen)
            waiting = await until_step(harness, release, 3)
            with pytest.raises(StageMoved):
                await send(harness, release, Control.ADVANCE, "victor", expected=seen)
            assert served(harness) == {"one-page": 80}

            assert waiting.acts_at
            await pause(harness, release, waiting.acts_at)
            await until_paused(harness, release)
            await send(harness, release, Control.RESUME, "on")
            await send(harness, release, Control.ADVANCE, "to-100")
            await harness.until(release, "running", stage="Watch")
            assert served(harness) == {"one-page": 100}
            assert [change.key for change in harness.changes(release)] == [
                f"{release.id}/1/1",
                *(f"{release.id}/2/{step}" for step in (1, 2, 3)),
            ]

    asyncio.run(scenario())


def test_control_is_shipped_in_one_step_and_the_next_stage_begins(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(max_cached_workflows=0, metrics=scripted(wins=False)):
            release = await ramping(harness, longest="2s")

            async def has_shipped() -> bool:
                await harness.run_outbox()  # The watch tells the workflow in a transaction after that of its decision.
                return harness.record(release).stage == "Watch"

            await wait_until("the last stage", has_shipped)
            place = await harness.until_place(release, "the last stage", lambda place: place.index == 2)

            assert served(harness) == {}
            assert [run.outcome for run in harness.runs(release)] == [StageOutcome.ACTED, StageOutcome.ACTED, StageOutcome.PENDING]
            assert (place.visit, place.step, [each.outcome for each in place.passed]) == (3, 1, ["done", "done"])

    asyncio.run(scenario())


def test_rollback_during_a_ramp_restores_the_flag_before_it(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=scripted(wins=True)):
            before = harness.world.flag("production")
            release = await ramping(harness)
            await until_step(harness, release, 2)

            await roll_back(harness, release)
            await harness.until(release, "rolled_back")

            assert harness.world.flag("production") == before

    asyncio.run(scenario())
