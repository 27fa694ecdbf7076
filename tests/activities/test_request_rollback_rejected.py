"""Refusals to roll back a release, which change nothing."""

from typing import Any

import pytest

from domain.errors import ControlNotAllowed, FeatureNotFound, Invalid, NotAllowed, ReleasedSince, StageMoved
from domain.releases.control import Expected
from domain.releases.status import ReleaseStatus
from tests.activities.acting import THREE, TWO_STAGES, act, put_back, roll_back
from tests.activities.rollbacks import complete_release, operator_of, remove
from tests.pipelines import pipeline, stage
from tests.world import NOW, World


@pytest.mark.parametrize("status", ["completed", "removed"])
def test_release_with_a_newer_one_cannot_be_rolled_back(shop: World, status: str) -> None:
    release = complete_release(shop)
    newer = shop.add(pipeline="short")
    (act(shop, newer) if status == "completed" else remove(shop, newer))

    with pytest.raises(ReleasedSince) as refused:
        roll_back(shop, release)

    assert refused.value.details == {"release": newer.id}
    assert shop.release(release.id) == release
    assert roll_back(shop, newer).status is ReleaseStatus.ROLLING_BACK


@pytest.mark.parametrize("again", [False, True])
def test_release_of_a_deleted_feature_cannot_be_rolled_back(shop: World, again: bool) -> None:
    release = complete_release(shop)
    with shop.database.transaction() as store:
        store.features.delete(store.features.get("checkout", shop.project.id).id, NOW)
    if again:
        shop.add_feature("checkout")

    with pytest.raises(FeatureNotFound):
        roll_back(shop, release)


def test_ended_release_can_only_be_rolled_back_as_a_whole(shop: World) -> None:
    release = complete_release(shop)

    with pytest.raises(ControlNotAllowed, match="add the flag again at the stage after 'Development'"):
        roll_back(shop, release, to_stage="Development")


def test_release_can_only_return_to_a_stage_that_it_has_passed(shop: World) -> None:
    shop.publish(THREE)
    release = shop.add(starting_stage="Beta users")
    act(shop, release)

    for wrong in ("Development", "Everyone", "Watch", "Moon"):
        with pytest.raises(Invalid, match="'Beta users'"):
            roll_back(shop, release, to_stage=wrong)
    assert roll_back(shop, release, to_stage="BETA users").rollback.undoes_from == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("expected", [{"stage": "Development"}, {"visit": 1}, {"step": 2}])
def test_request_is_refused_if_the_release_has_moved_on(shop: World, expected: dict[str, Any]) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    act(shop, release)

    with pytest.raises(StageMoved):
        roll_back(shop, release, expected=Expected(**expected))

    assert roll_back(shop, release, expected=Expected(stage="Production", visit=2)).status is ReleaseStatus.ROLLING_BACK


def test_rolling_back_or_rolled_back_release_cannot_be_rolled_back(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    roll_back(shop, release)

    with pytest.raises(ControlNotAllowed, match="Can't roll back a release that is rolling back"):
        roll_back(shop, release)
    put_back(shop, release)
    with pytest.raises(ControlNotAllowed, match="no control is allowed any more"):
        roll_back(shop, release)


def test_request_requires_the_right_on_changed_environments_and_those_ahead(shop: World) -> None:
    shop.publish(pipeline(stage("Staging", "staging"), stage("Production", "production", "1h"), stage("Development", wait="1h")))
    release = shop.add()
    act(shop, release)

    for missing in (["staging"], ["staging", "production"], ["production", "development"]):
        with pytest.raises(NotAllowed):
            roll_back(shop, release, operator_of(*missing))
    with pytest.raises(NotAllowed):
        roll_back(shop, release, operator_of("production"), to_stage="Staging")
    requested = roll_back(shop, release, operator_of("production", "development"), to_stage="Staging")
    assert requested.status is ReleaseStatus.ROLLING_BACK, "the change in staging stays"


def test_request_after_the_end_requires_the_right_on_changed_environments_only(shop: World) -> None:
    shop.publish(
        pipeline(stage("Staging", "staging", actions=[{"type": "UPDATE_FEATURE_VALUE", "value": "classic"}]), stage("Development"))
    )
    release = shop.add()
    act(shop, release)
    act(shop, release)

    with pytest.raises(NotAllowed):
        roll_back(shop, release, operator_of("staging"))
    assert roll_back(shop, release, operator_of("development")).status is ReleaseStatus.ROLLING_BACK
