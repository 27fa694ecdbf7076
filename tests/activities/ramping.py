"""A release that ramps the winner of an experiment, step by step, without a Temporal server."""

from datetime import datetime, timedelta
from typing import Any

from activities.messages import ChangeFlag
from domain.releases.release import NextStep, Release
from tests.activities.acting import act, change
from tests.activities.experimenting import BETTER, SAME, experiment, give_variants
from tests.activities.guarding import guarded_command, later
from tests.pipelines import allocate, enable, hold, pipeline, ship_winner, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World

SPLIT = {"one-page": 30, "two-pages": 30}
WON = BETTER | {"two-pages": (5_000, 520)}
LOST = SAME | {"two-pages": (5_000, 501)}
OVER = timedelta(days=15).total_seconds()
"""The seconds after which the experiment ends without a winner."""
HOUR = 3_600.0


def ramping(world: World, action: dict[str, Any] | None = None, **more: Any) -> Release:
    """Return a release whose flag serves two variants, and whose next stage ramps the winner."""
    give_variants(world)
    ship = stage("Ship", "production", actions=[action or ship_winner()]) | {"gates": [experiment(variants=["one-page", "two-pages"])]}
    split = stage("Split", "production", actions=[enable(), enable("beta-users"), allocate(SPLIT)])
    world.publish(pipeline(split, ship, hold("Watch", "1d"), **more))
    release = world.add()
    act(world, release)
    return world.release(release.id)


def command_of_step(world: World, release: Release) -> ChangeFlag:
    """Return the command for the release's present step, as its workflow would send it."""
    now = world.release(release.id)
    with world.database.reading() as store:
        ramp = store.pipelines.version(now.pipeline.id).definition.stages[now.stage_index].ramp
    assert ramp
    following = NextStep(step=now.step + 1, every=ramp.every) if now.step < len(ramp.shares) else None
    more = {"step": now.step, "next_step": following, "ships_winner": True, "ramps_winner": True}
    return guarded_command(world, now).model_copy(update=more)


def take_step(world: World, release: Release, metrics: ScriptedMetrics, at: datetime | None = None) -> Any:
    """Make one attempt at the present step, by default an hour after the previous one."""
    return change(world, command_of_step(world, release), at or later(HOUR * world.release(release.id).sequence), metrics=metrics)
