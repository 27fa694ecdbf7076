"""The copy of another system's features and segments: keys, deletions, and definitions that change."""

from datetime import timedelta

import pytest

from activities.providers.flag_system import SystemFeature, SystemFlag, SystemSegment
from activities.providers.mirror import mirror_features, mirror_flags, mirror_segments
from activities.store.database import Database
from domain.flags.flag import FlagState
from tests.pipelines import pipeline, stage
from tests.world import NOW, World, make_world

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def shop(sqlite: Database) -> World:
    """A project whose own features and segments were deleted before it was connected."""
    world = make_world(sqlite)
    with sqlite.transaction() as store:
        for feature in store.features.all(world.project.id):
            store.features.delete(feature.id, NOW)
        for segment in store.segments.all(world.project.id):
            store.segments.delete(segment.id, NOW)
    return world


def list_features(shop: World, *names: str) -> list[str]:
    """Mirror features with these names, and return the keys of all that there are."""
    with shop.database.transaction() as store:
        mirror_features(store, shop.project, [SystemFeature(each) for each in names], LATER)
        return [each.key for each in store.features.all(shop.project.id)]


def segment_ids(shop: World, **digests: str) -> dict[str, str]:
    """Mirror segments with these names and digests, and return key -> id."""
    with shop.database.transaction() as store:
        mirror_segments(store, shop.project, [SystemSegment(name, name, digest) for name, digest in digests.items()], LATER)
        return {each.key: each.id for each in store.segments.all(shop.project.id)}


def test_names_become_keys_and_keep_them(shop: World) -> None:
    assert list_features(shop, "Checkout.v2", "checkout-v2", "banner") == ["banner", "checkout-v2", "checkout-v2-2"]

    assert list_features(shop, "checkout-v2", "new") == ["checkout-v2-2", "new"]
    with shop.database.reading() as store:
        found = store.system_names.find(shop.project.id, "feature", "checkout-v2-2")
    assert found
    assert found.name == "checkout-v2"


def test_empty_list_deletes_nothing(shop: World) -> None:
    list_features(shop, "banner")

    assert list_features(shop) == ["banner"]


def test_feature_in_a_release_is_not_deleted(shop: World) -> None:
    list_features(shop, "banner", "other")
    shop.publish(pipeline(stage("Development", wait="1h")))
    shop.add("banner")

    assert list_features(shop, "third") == ["banner", "third"]


def test_segment_whose_definition_changes_is_another_one_under_the_same_key(shop: World) -> None:
    before = segment_ids(shop, Beta="1", Staff="1")

    after = segment_ids(shop, Beta="2", Staff="1")

    assert before.keys() == after.keys() == {"beta", "staff"}
    assert before["beta"] != after["beta"]
    assert before["staff"] == after["staff"]
    assert segment_ids(shop, Staff="1").keys() == {"staff"}


def test_reading_that_another_one_overtook_is_ignored_unless_it_is_for_a_decision(shop: World) -> None:
    list_features(shop, "banner")
    on, off = {"production": SystemFlag(FlagState(enabled=True))}, {"production": SystemFlag(FlagState())}
    with shop.database.transaction() as store:
        mirror_flags(store, shop.project, "banner", on, LATER, since=0)
        mirror_flags(store, shop.project, "banner", off, LATER, since=0)
    assert shop.flag("production", "banner").enabled

    with shop.database.transaction() as store:
        mirror_flags(store, shop.project, "banner", off, NOW)
    assert not shop.flag("production", "banner").enabled, "whatever the clocks say"
