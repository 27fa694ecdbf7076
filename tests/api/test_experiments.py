"""The experiments of a release over HTTP, with numbers as a watch stores them."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from activities.store.database import Database
from api.schemas.experiments import MOST_POINTS, thinned
from domain.metrics.sample import Unknown
from domain.releases.release import Release
from tests.activities.experimenting import BETTER, NOTHING_YET, OFF, experimenting
from tests.activities.guarding import later, look
from tests.http import Api
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World, make_world


@pytest.fixture
def world(api_on_both: Api, url_on_both: str) -> Iterator[World]:
    """The project `shop` in the API's database."""
    with closing(Database(url_on_both)) as database:
        yield make_world(database)


@pytest.fixture
def metrics() -> ScriptedMetrics:
    return ScriptedMetrics()


def experiments(api: Api, release: Release) -> Any:
    return api.get(f"/projects/shop/releases/{release.id}/experiments")["experiments"]


def test_experiment_shows_its_arms_its_lift_and_its_decision(world: World, metrics: ScriptedMetrics, api_on_both: Api) -> None:
    release = experimenting(
        world, shares={"control": 1, "one-page": 1}, guardrails=[{"metric": "returns", "better": "lower", "margin": 0.1}]
    )
    metrics.groups["returns"] = {"control": (5_000, 250), "one-page": (5_000, 251)}
    for hour, numbers in enumerate((NOTHING_YET, {"control": (2_000, 200), "one-page": (2_000, 230)}, BETTER), start=1):
        metrics.groups["conversion"] = numbers
        look(world, release, metrics, later(3600 * hour))

    [found] = experiments(api_on_both, release)

    assert found["stage_outcome"] == "pending"
    assert (found["stage"], found["gate"], found["environment"], found["metric"]) == ("Ship", 1, "production", "conversion")
    assert (found["confidence"], found["minimum"], found["planned"]) == (0.95, 100, 10_000)
    assert (found["shortest"], found["decide_every"], found["longest"]) == ("PT1H", "PT1H", "P14D")
    assert found["arms"] == [
        {"key": "control", "planned_share": 50, "users": 5_000, "mean": 0.1},
        {"key": "one-page", "planned_share": 50, "users": 5_000, "mean": 0.16},
    ]
    [comparison] = found["comparisons"]
    assert comparison["lift"]["estimate"] == pytest.approx(0.6)
    assert 0 < comparison["lift"]["low"] < 0.6 < comparison["lift"]["high"]
    assert (comparison["is_better"], comparison["is_worse"], comparison["breaches"]) == (True, False, [])
    [guardrail] = comparison["guardrails"]
    assert (guardrail["metric"], guardrail["state"]) == ("returns", "not_proven")
    assert guardrail["lift"]["low"] < -0.1 < 0.1 < guardrail["lift"]["high"]
    assert found["sample_ratio"] == {"at_any_look": 1.0, "at_a_decision": 1.0}
    assert (found["outcome"], found["decision"]["ships"], found["cannot_tell"]) == ("winner", "one-page", None)
    assert found["decision"]["message"] == found["message"]
    assert found["decision"]["at"] == found["looked_at"] == later(3 * 3600).isoformat().replace("+00:00", "Z")
    before, between, last = (each["lifts"]["one-page"] for each in found["curve"])
    assert before is None
    assert between["low"] < 0 < between["high"]
    assert last == comparison["lift"]
    assert found["looks"] == 3


def test_experiment_without_a_look_says_why(world: World, metrics: ScriptedMetrics, api_on_both: Api) -> None:
    release = experimenting(world)
    [before] = experiments(api_on_both, release)
    metrics.values["conversion"] = Unknown(code="source_down", message="The database can't be reached.")
    look(world, release, metrics, later(3600))

    [after] = experiments(api_on_both, release)

    assert (before["looks"], before["cannot_tell"], before["outcome"]) == (0, None, "undecided")
    assert (after["looks"], after["cannot_tell"], after["curve"]) == (0, "The database can't be reached.", [])
    assert [arm["mean"] for arm in after["arms"]] == [None, None]
    assert [each["lift"] for each in after["comparisons"]] == [None]


def test_numbers_that_do_not_fit_are_shown_as_held_and_interrupt_the_curve(
    world: World, metrics: ScriptedMetrics, api_on_both: Api
) -> None:
    release = experimenting(world)
    for hour, numbers in enumerate((NOTHING_YET, {"control": (2_000, 200), "one_page": (2_000, 230)}), start=1):
        metrics.groups["conversion"] = numbers
        look(world, release, metrics, later(3600 * hour))

    [found] = experiments(api_on_both, release)

    assert (found["outcome"], found["reason"], found["decision"]) == ("held", "unknown_arm", None)
    assert found["curve"][-1]["lifts"] == {"one-page": None}
    assert [arm["users"] for arm in found["arms"]] == [2_000, 0]


def test_split_that_is_off_has_a_small_p_value(world: World, metrics: ScriptedMetrics, api_on_both: Api) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = OFF
    look(world, release, metrics, later(3600))

    [found] = experiments(api_on_both, release)

    assert found["sample_ratio"]["at_any_look"] < 0.001
    assert (found["outcome"], found["reason"]) == ("held", "sample_ratio")


def test_experiment_is_not_among_the_watches(world: World, metrics: ScriptedMetrics, api_on_both: Api) -> None:
    release = experimenting(world)
    metrics.groups["conversion"] = NOTHING_YET
    look(world, release, metrics, later(3600))

    assert api_on_both.get(f"/projects/shop/releases/{release.id}/samples") == {"watches": []}


@pytest.mark.parametrize("count", [1, MOST_POINTS, MOST_POINTS + 1, 4_999])
def test_a_long_curve_is_thinned_evenly_and_keeps_the_first_and_the_newest(count: int) -> None:
    kept = thinned(range(count), MOST_POINTS)

    assert len(kept) == min(count, MOST_POINTS)
    assert (kept[0], kept[-1]) == (0, count - 1)
    gaps = {after - before for before, after in itertools.pairwise(kept)}
    assert not gaps or max(gaps) - min(gaps) <= 1
