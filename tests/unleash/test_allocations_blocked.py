"""Allocations that people change in a real Unleash, and stages that are blocked because of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities.messages import Refused, Standing
from activities.providers.unleash.documents import Strategy
from tests.activities.acting import LATER, roll_back
from tests.pipelines import allocate, enable, pipeline, rollout, stage
from tests.unleash.allocations import act, allocated, served, strategies
from tests.unleash.shop import Shop

pytestmark = pytest.mark.xdist_group("unleash")

WHOLE = {"rollout": "100", "stickiness": "default"}


def people_pass(shop: Shop, change: Callable[[Strategy], dict[str, Any]]) -> None:
    """Let a person change the first strategy of ours."""
    first = strategies(shop)[0]
    body: dict[str, Any] = {"name": first.name, "title": first.title, "constraints": [], "parameters": first.parameters, "segments": []}
    shop.person("PUT", f"/strategies/{first.id}", body | change(first))


@pytest.mark.parametrize(
    "change",
    [
        lambda first: {"parameters": first.parameters | {"rollout": "15"}, "variants": first.variants},
        lambda first: {"variants": [first.variants[0] | {"payload": {"type": "string", "value": "Mine"}}]},
        lambda first: {"variants": [first.variants[0] | {"name": "theirs"}]},
    ],
    ids=["share", "payload", "name"],
)
def test_change_of_our_strategies_by_a_person_blocks_the_release(split: Shop, change: Callable[[Strategy], dict[str, Any]]) -> None:
    split.world.publish(
        pipeline(stage("Start", actions=[enable(), allocate({"one-page": 10})]), stage("More", actions=[allocate({"one-page": 20})]))
    )
    release = split.add()
    act(split, release)

    people_pass(split, change)
    answer = split.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"


def test_strategies_of_others_stay_and_come_after_an_allocation(split: Shop) -> None:
    split.person("POST", "/strategies", {"name": "flexibleRollout", "title": "Theirs", "parameters": WHOLE})
    split.person("POST", "/on")
    split.world.publish(pipeline(stage("Split", actions=[allocate({"one-page": 50})]), stage("End", actions=[allocate({})])))
    release = split.add()

    act(split, release)
    assert set(served(split)) == {"one-page", "control"}
    act(split, release)

    assert set(served(split)) == {"disabled"}
    assert split.titles() == ["Theirs"]


def test_strategy_of_others_with_variants_blocks_an_allocation(split: Shop) -> None:
    variants = [{"name": "theirs", "weight": 1000, "weightType": "variable", "stickiness": "default"}]
    split.person("POST", "/strategies", {"name": "flexibleRollout", "title": "Theirs", "parameters": WHOLE, "variants": variants})
    split.person("POST", "/on")
    split.world.publish(pipeline(stage("Split", actions=[allocate({"one-page": 50})])))

    answer = split.change(split.add())

    assert isinstance(answer, Refused)
    assert (answer.blocked.code, "has variants of its own" in answer.blocked.message) == ("kept_by_others", True)


def test_rollout_of_a_flag_with_an_allocation_blocks_the_release(split: Shop) -> None:
    split.world.publish(pipeline(stage("Split", actions=[allocate({"one-page": 50})])))
    act(split, split.add())
    split.world.publish(pipeline(stage("Ramp", actions=[rollout(10, 45)]), key="ramp"))

    answer = split.change(split.add("ramp"), next_step={"step": 2, "every": timedelta(hours=1)})

    assert isinstance(answer, Refused)
    assert "can't serve variants to a rollout" in answer.blocked.message


def test_more_strategies_than_unleash_takes_block_the_release_and_it_can_be_rolled_back(split: Shop) -> None:
    for number in range(28):
        split.person(
            "POST", "/strategies", {"name": "flexibleRollout", "title": f"Theirs {number}", "parameters": WHOLE | {"rollout": "1"}}
        )
    split.person("POST", "/on")
    split.world.publish(pipeline(stage("On", actions=[enable()]), stage("Split", actions=[allocate({"one-page": 20, "two-pages": 20})])))
    release = split.add()
    act(split, release)

    answer = split.change(release)
    assert isinstance(answer, Refused)
    assert (answer.blocked.code, "30" in answer.blocked.message) == ("provider_refused", True)
    roll_back(split.world, release)
    assert isinstance(split.put_back(release, LATER), Standing)

    assert len(strategies(split)) == 28
    assert allocated(split) == {}
