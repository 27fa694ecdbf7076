"""Releases that ship what an experiment has decided, whose histories are recorded."""

from domain.releases.release import Release
from tests import waiting
from tests.activities.experimenting import BETTER, SAME, experiment, give_variants
from tests.pipelines import allocate, enable, hold, pipeline, ship_winner, stage
from tests.workflows.harness import Harness

_EXPERIMENT = experiment(every="1s", longest="3s", shortest="0s", decide_every="1s")
AB_TEST = pipeline(
    stage("Split", "production", actions=[enable(), allocate({"one-page": 50})]),
    stage("Ship", "production", actions=[ship_winner(every="1s")]) | {"gates": [_EXPERIMENT]},
    hold("Watch", "1s"),
    key="ab-test",
)


async def ramped(harness: Harness) -> Release:
    """The winner of an experiment, in three steps."""
    return await _shipped(harness, BETTER)


async def kept(harness: Harness) -> Release:
    """An experiment without a winner, so that the first of three steps ships the control and ends them."""
    return await _shipped(harness, SAME)


async def _shipped(harness: Harness, numbers: dict[str, tuple[int, int]]) -> Release:
    give_variants(harness.world)
    harness.metrics.groups["conversion"] = numbers
    release = await harness.add(pipeline="ab-test")

    async def is_completed() -> bool:
        await harness.relay.run_pending()
        return harness.record(release).is_finished

    await waiting.wait_until("the end", is_completed)
    return release
