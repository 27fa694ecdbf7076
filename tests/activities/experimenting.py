"""A release that waits for an experiment, and the numbers of its arms."""

from typing import Any

from domain.releases.release import Release
from tests.activities.acting import act
from tests.pipelines import allocate, enable, pipeline, stage
from tests.world import World

NOTHING_YET = {"control": (50, 5), "one-page": (50, 6)}
BETTER = {"control": (5_000, 500), "one-page": (5_000, 800)}
SAME = {"control": (5_000, 500), "one-page": (5_000, 505)}
OFF = {"control": (6_000, 600), "one-page": (4_000, 640)}


def experiment(**more: Any) -> dict[str, Any]:
    """Return an experiment on one variant, by default for at most 14 days. Each look from the first hour on may decide."""
    usual = {"type": "EXPERIMENT", "metric": "conversion", "variants": ["one-page"], "longest": "14d", "every": "1h"}
    return usual | {"shortest": "1h", "decide_every": "1h"} | more


def give_variants(world: World) -> None:
    """Give the feature its two variants."""
    world.change_feature(variants=[{"key": "one-page", "value": "one"}, {"key": "two-pages", "value": "two"}])


def experimenting(world: World, **more: Any) -> Release:
    """Return a release whose flag serves a variant to half of production, and whose next stage waits for the experiment."""
    give_variants(world)
    ship = stage("Ship", "production", actions=[{"type": "SHIP_WINNER"}]) | {"gates": [experiment(**more)]}
    world.publish(pipeline(stage("Split", "production", actions=[enable(), allocate({"one-page": 50})]), ship))
    release = world.add()
    act(world, release)
    return world.release(release.id)
