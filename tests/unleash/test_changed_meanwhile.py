"""Changes by people and by Flaghoist to the same flag in a real Unleash, at the same time."""

from datetime import timedelta

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.messages import Made, Refused, Standing
from activities.providers.mirror import mirror_flags
from domain.flags.flag import Rollout
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import ACTED, LATER, changes_of, retry, roll_back
from tests.pipelines import enable, pipeline, stage
from tests.unleash.shop import Shop
from workflows.service.settler import Settler

pytestmark = pytest.mark.xdist_group("unleash")

ON = FlagPatch(enabled=True)
OFF = FlagPatch(enabled=False)
FOLLOWING = {"step": 2, "every": timedelta(hours=1)}
EVERYONE = {"name": "flexibleRollout", "title": "Flaghoist: everyone", "parameters": {"rollout": "100", "stickiness": "default"}}


def remove(shop: Shop, release: Release) -> None:
    with shop.world.database.transaction() as store:
        remove_release(store, shop.world.caller, shop.world.project, EndOrPauseRelease(release=release.id), ACTED)


def set_share(shop: Shop, percent: int) -> None:
    """Set the share of our rollout, as a person does."""
    found = shop.api.feature("default", shop.feature).environment("development")
    assert found
    for each in found.strategies:
        shop.person("PUT", f"/strategies/{each.id}", EVERYONE | {"title": each.title, "parameters": {"rollout": str(percent)}})


def test_change_by_a_person_is_not_taken_for_that_of_a_dead_worker(shop: Shop) -> None:
    shop.world.publish(pipeline(stage("Ramp", actions=[{"type": "PHASED_ROLLOUT", "initial": 20, "step": 40, "every": "1h"}])))
    release = shop.add()
    shop.dies(lambda: shop.change(release, next_step=FOLLOWING), before=1)
    shop.person("POST", "/strategies", EVERYONE | {"title": "Flaghoist: rollout", "parameters": {"rollout": "55"}})
    shop.person("POST", "/on")
    remove(shop, release)

    Settler(shop.world.database, shop.elsewhere, patience=timedelta(0)).settle_all()

    assert changes_of(shop.world, release) == []
    assert shop.intents(release) == []


def test_rollback_that_was_killed_leaves_alone_what_a_person_changed_since(shop: Shop) -> None:
    shop.world.publish(pipeline(stage("Ramp", actions=[{"type": "PHASED_ROLLOUT", "initial": 20, "step": 40, "every": "1h"}])))
    release = shop.add()
    shop.change(release, next_step=FOLLOWING)
    roll_back(shop.world, release)
    shop.dies(lambda: shop.put_back(release), before=1)
    set_share(shop, 55)

    assert shop.put_back(release).status == ReleaseStatus.ROLLED_BACK

    assert shop.flag().rollout.percent == 55  # type: ignore[union-attr]
    rollback = shop.world.release(release.id).rollback
    assert rollback
    assert [each.field for each in rollback.left_alone] == ["rollout"]
    assert shop.intents(release) == []


def test_retry_that_overwrites_more_than_was_intended_at_first_records_all_of_it(shop: Shop, release: Release) -> None:
    shop.dies(lambda: shop.change(release), before=1)
    shop.person("POST", "/strategies", EVERYONE | {"title": "Flaghoist: rollout", "parameters": {"rollout": "55"}})
    shop.person("POST", "/on")
    assert isinstance(shop.change(release), Refused)
    retry(shop.world, release, overwrite=True)

    assert isinstance(shop.change(release, LATER, overwrite=True), Made)

    [change] = changes_of(shop.world, release)
    assert change.before == FlagPatch(enabled=False, rollout=Rollout(percent=55, enabled=True))
    assert change.after == FlagPatch(enabled=True, rollout=None)


def test_rollback_restores_segments_in_any_order(shop: Shop) -> None:
    keys = [f"{name}-{shop.feature}" for name in ("later", "earlier")]
    for each in keys:
        shop.segment(each)
    shop.elsewhere.refresh(shop.world.project, shop.key)
    ends = enable(enabled=False) | {"overrides": "remove"}
    stages = (stage("Newer first", actions=[enable(keys[1])]), stage("Older", actions=[enable(keys[0])]))
    shop.world.publish(pipeline(*stages))
    shop.world.publish(pipeline(stage("End", actions=[ends]), key="ends"))
    release = shop.add(accept=("lowers_share",))
    for _ in range(2):
        assert isinstance(shop.change(release), Made)
    titles = shop.titles()
    again = shop.add(pipeline="ends", accept=("lowers_share",))
    assert isinstance(shop.change(again), Made)
    assert shop.titles() == []
    roll_back(shop.world, again)

    assert shop.put_back(again).status == ReleaseStatus.ROLLED_BACK

    assert set(titles) == set(shop.titles())


def test_rollback_of_a_removed_release_is_on_the_record_before_the_next_one_acts(shop: Shop) -> None:
    shop.world.publish(pipeline(stage("Development")))
    first = shop.add()
    shop.change(first)
    roll_back(shop.world, first)
    shop.dies(lambda: shop.put_back(first), after=2)
    remove(shop, first)
    second = shop.add()

    assert isinstance(shop.change(second), Made)

    assert [(each.before, each.after) for each in changes_of(shop.world, first)] == [(OFF, ON), (ON, OFF)]
    assert [(each.before, each.after) for each in changes_of(shop.world, second)] == [(OFF, ON)]
    assert shop.intents(first) == []


def test_change_that_is_made_after_its_release_was_rolled_back_is_on_the_record(shop: Shop, release: Release) -> None:
    def roll_back_meanwhile(write: int) -> None:
        if write == 1:
            shop.lives()
            roll_back(shop.world, release)
            assert shop.put_back(release).status == ReleaseStatus.ROLLED_BACK

    shop.api.before = roll_back_meanwhile

    assert isinstance(shop.change(release), Standing)

    assert shop.titles() == ["Flaghoist: everyone"]
    [change] = changes_of(shop.world, release)
    assert (change.before, change.after) == (OFF, ON)


def test_change_that_was_made_in_part_is_recorded_in_part(shop: Shop) -> None:
    segment, key = shop.segment(f"Beta {shop.feature}"), f"beta-{shop.feature}"
    shop.elsewhere.refresh(shop.world.project, shop.key)
    shop.person("POST", "/strategies", EVERYONE | {"title": "Theirs", "parameters": {"rollout": "1", "stickiness": "default"}})
    shop.person("POST", "/on")
    shop.world.publish(pipeline(stage("Both", actions=[enable(key), enable()])))
    release = shop.add()
    shop.dies(lambda: shop.change(release), after=1)
    remove(shop, release)

    Settler(shop.world.database, shop.elsewhere, patience=timedelta(0)).settle_all()

    assert shop.titles() == ["Theirs", f"Flaghoist: segment {segment}"]
    [change] = changes_of(shop.world, release)
    assert change.before == FlagPatch(overrides={key: None})
    assert (change.after.named, change.after.segments[key] is not None) == ({"overrides"}, True)


def test_view_that_stores_an_older_reading_does_not_hide_what_a_rollback_did(shop: Shop, release: Release) -> None:
    project = shop.world.project
    shop.change(release)
    older = shop.elsewhere.read(project, shop.key)
    assert older
    roll_back(shop.world, release)

    def store_older() -> None:
        with shop.world.database.transaction() as store:
            mirror_flags(store, project, shop.key, older.found, older.at)

    shop.api.on_read = store_older
    answer = shop.put_back(release)

    assert answer.status == ReleaseStatus.ROLLED_BACK
    assert shop.titles() == []
    assert [(each.before, each.after) for each in changes_of(shop.world, release)] == [(OFF, ON), (ON, OFF)]
