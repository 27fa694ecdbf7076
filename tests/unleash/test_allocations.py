"""Variants in a real Unleash: stages allocate them, and Unleash's SDKs serve them to the same users while shares change."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from activities.messages import HeldBack, Made
from activities.store.database import Database
from domain.flags.allocation import percents
from domain.releases.control import Control
from domain.releases.status import ReleaseStatus
from tests.activities.acting import changes_of, roll_back
from tests.activities.experimenting import BETTER, NOTHING_YET, experiment
from tests.activities.guarding import guarded_command, later, look
from tests.pipelines import allocate, enable, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.unleash.allocations import PEOPLE, VARIANTS, act, allocated, moved, served
from tests.unleash.sdks import in_node
from tests.unleash.server import UnleashServer
from tests.unleash.shop import Shop
from tests.unleash.test_releases import add, running
from tests.workflows.controls import send

pytestmark = pytest.mark.xdist_group("unleash")


def test_users_keep_their_variants_while_three_variants_grow_and_one_is_shipped(split: Shop) -> None:
    steps: list[dict[str, Any]] = [
        {"one-page": 10, "two-pages": 10, "wizard": 10},
        {"one-page": 20, "two-pages": 10, "wizard": 30},
        {"one-page": 33, "two-pages": 33, "wizard": 34},
        {"two-pages": 100},
    ]
    split.world.publish(
        pipeline(
            stage("First", actions=[enable(), allocate(steps[0])]),
            *(stage(str(n), actions=[allocate(each)]) for n, each in enumerate(steps[1:])),
        )
    )
    release = split.add()
    seen = []
    for step in steps:
        act(split, release)
        seen.append(served(split))
        assert allocated(split) == step

    first, second, third, shipped = seen
    assert moved(first, second) <= {("control", "one-page"), ("control", "wizard")}
    assert moved(second, third) <= {("control", "one-page"), ("control", "two-pages"), ("control", "wizard")}
    assert moved(third, shipped) == {("one-page", "two-pages"), ("wizard", "two-pages")}
    assert all(70 <= Counter(first)[each] <= 130 for each in ("one-page", "two-pages", "wizard")), "a tenth each"
    assert set(shipped) == {"two-pages"}


def test_rollback_gives_each_user_the_variant_that_they_had(split: Shop) -> None:
    split.world.publish(pipeline(stage("Start", actions=[enable(), allocate({"one-page": 10, "two-pages": 10})])))
    act(split, split.add())
    split.world.publish(pipeline(stage("Grow", actions=[allocate({"one-page": 30, "two-pages": 20})]), key="grow"))
    act(split, split.add("grow"))
    before, layout = served(split), split.flag().allocation
    split.world.publish(
        pipeline(
            stage("Other", actions=[allocate({"one-page": 5, "wizard": 60})]),
            stage("Ship", actions=[allocate({"wizard": 100})]),
            stage("Stay", wait="24h"),
            key="ship",
        )
    )
    release = split.add("ship")
    act(split, release)
    act(split, release)
    assert set(served(split)) == {"wizard"}

    roll_back(split.world, release)
    assert split.put_back(release) is not None

    assert split.world.release(release.id).status is ReleaseStatus.ROLLED_BACK
    assert served(split) == before
    assert [share.at for share in split.flag().allocation.values()] == [share.at for share in layout.values()]


def test_winner_of_an_experiment_is_shipped(split: Shop) -> None:
    metrics = ScriptedMetrics()
    ship = stage("Ship", actions=[{"type": "SHIP_WINNER"}]) | {"gates": [experiment()]}
    split.world.publish(pipeline(stage("Split", actions=[enable(), allocate({"one-page": 50})]), ship))
    release = split.add()
    act(split, release)
    before = served(split)
    command = guarded_command(split.world, split.world.release(release.id)).model_copy(update={"ships_winner": True, "elsewhere": True})

    metrics.groups["conversion"] = NOTHING_YET
    assert isinstance(split.attempt(command, later(60), metrics), HeldBack)
    assert served(split) == before
    metrics.groups["conversion"] = BETTER
    look(split.world, split.world.release(release.id), metrics, later(3_600))
    assert isinstance(split.attempt(command, later(3_700), metrics), Made)

    assert set(served(split)) == {"one-page"}
    assert split.titles() == ["Flaghoist: everyone, one-page"]


def test_allocation_ends_and_begins_while_the_flag_is_disabled(split: Shop) -> None:
    split.world.publish(
        pipeline(
            stage("Prepare", actions=[allocate({"one-page": 50})]),
            stage("On", actions=[enable()]),
            stage("Off", actions=[enable(enabled=False)]),
            stage("On again", actions=[enable()]),
            stage("End", actions=[allocate({})]),
        )
    )
    release = split.add()
    seen = []
    for _ in range(5):
        act(split, release)
        seen.append((set(served(split)), allocated(split), split.is_on()))

    half = {"one-page": 50}
    assert seen == [
        ({"off"}, half, False),
        ({"one-page", "control"}, half, True),
        ({"off"}, half, False),
        ({"one-page", "control"}, half, True),
        ({"disabled"}, {}, True),
    ]
    assert split.titles() == ["Flaghoist: everyone"]


def test_variants_that_are_no_longer_defined_here_keep_their_payloads(split: Shop) -> None:
    split.world.publish(pipeline(stage("Split", actions=[enable(), allocate({"one-page": 50})])))
    act(split, split.add())
    split.define_variants()
    split.world.publish(pipeline(stage("Off", actions=[enable(enabled=False)]), stage("On", actions=[enable()]), key="off"))
    release = split.add("off", accept=("lowers_share",))

    act(split, release)
    assert allocated(split) == {"one-page": 50}
    act(split, release)

    assert set(served(split)) == {"one-page", "control"}


def test_segment_has_an_allocation_of_its_own_or_that_of_everyone(split: Shop) -> None:
    keys = {}
    for key, plan in (("pro", "pro"), ("staff", "staff")):
        split.segment(f"{key}-{split.feature}", plan)
        keys[key] = f"{key}-{split.feature}"
    split.elsewhere.refresh_lists(split.world.project, ttl=timedelta(0))
    split.world.publish(
        pipeline(
            stage("Segments", actions=[enable(keys["pro"]), enable(keys["staff"]), allocate({"wizard": 100}, keys["pro"])]),
            stage("Everyone", actions=[allocate({"one-page": 40})]),
            stage("On", actions=[enable()]),
            stage("Follow", actions=[allocate({"two-pages": 70})]),
        )
    )
    release = split.add()
    seen = []
    for _ in range(4):
        act(split, release)
        by_plan = {}
        for plan in ("pro", "staff", "free"):
            by_plan[plan] = set(served(split, contexts=[each | {"properties": {"plan": plan}} for each in PEOPLE]))
        seen.append(by_plan)

    assert seen == [
        {"pro": {"wizard"}, "staff": {"disabled"}, "free": {"off"}},
        {"pro": {"wizard"}, "staff": {"one-page", "control"}, "free": {"off"}},
        {"pro": {"wizard"}, "staff": {"one-page", "control"}, "free": {"one-page", "control"}},
        {"pro": {"wizard"}, "staff": {"two-pages", "control"}, "free": {"two-pages", "control"}},
    ]
    overrides = split.flag().overrides
    assert (overrides[keys["staff"]].allocation, percents(overrides[keys["pro"]].allocation or {})) == (None, {"wizard": 100})


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_attempt_that_dies_at_any_call_is_completed(split: Shop, write: int, when: str) -> None:
    split.world.publish(
        pipeline(
            stage("Start", actions=[enable(), allocate({"one-page": 20, "two-pages": 20})]),
            stage("Change", actions=[allocate({"one-page": 10, "wizard": 30})]),
        )
    )
    release = split.add()
    act(split, release)
    before = served(split)

    split.dies(lambda: split.change(release), **{when: write})
    during = served(split)
    act(split, release)

    after = served(split)
    assert moved(before, after) <= {("one-page", "wizard"), ("two-pages", "wizard"), ("control", "wizard"), ("two-pages", "control")}
    assert all(now in (old, new) for old, now, new in zip(before, during, after, strict=True))
    assert allocated(split) == {"one-page": 10, "wizard": 30}
    assert split.intents(release) == []
    assert [percents(each.before.allocation) for each in changes_of(split.world, release)] == [{}, {"one-page": 20, "two-pages": 20}]


def test_release_allocates_ships_and_is_rolled_back_as_the_sdks_see_it(database: Database, unleash: UnleashServer) -> None:
    async def scenario() -> None:
        async with running(database, unleash) as (harness, shop):
            await asyncio.to_thread(shop.define_variants, *VARIANTS)
            harness.world.publish(
                pipeline(
                    stage("Split", "production", actions=[enable(), allocate({"one-page": 10, "two-pages": 10})]),
                    stage("More", "production", "24h", [allocate({"one-page": 30, "two-pages": 30})]),
                    stage("Ship", "production", "24h", [allocate({"one-page": 100})]),
                    stage("Stay", "production", "24h", []),
                )
            )
            release = await add(harness, shop)
            seen = list[list[str]]()
            async with harness.worker(systems=shop.systems):
                for ahead in ("More", "Ship", "Stay"):
                    waiting = await harness.until(release, "running", stage=ahead)
                    seen.append(await asyncio.to_thread(served, shop, "production"))
                    if ahead != "Stay":
                        await harness.until_timer_set(waiting)
                        await send(harness, waiting, Control.ADVANCE)
                roll_back(harness.world, release)
                await harness.run_outbox()
                await harness.until(release, "rolled_back")

            first, second, third = seen
            assert moved(first, second) == {("control", "one-page"), ("control", "two-pages")}
            assert set(third) == {"one-page"}
            assert set(await asyncio.to_thread(served, shop, "production")) == {"off"}

    asyncio.run(scenario())


def test_users_without_an_identifier_get_some_variant(split: Shop) -> None:
    split.world.publish(pipeline(stage("Split", actions=[enable(), allocate({"one-page": 50})])))
    act(split, split.add())

    found = {each[split.feature][2] for each in in_node(split.unleash, [split.feature], [{}] * 100)}

    assert found == {"one-page", "control"}
