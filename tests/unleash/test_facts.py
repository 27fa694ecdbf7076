"""Facts about a real Unleash on which the client and its callers rely."""

import pytest

from activities.providers.errors import ProviderRejected
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import NewStrategy
from tests.unleash.features import DEV, HALF, in_development
from tests.unleash.server import PROJECT, UnleashServer

pytestmark = pytest.mark.xdist_group("unleash")


def test_switching_on_without_a_strategy_adds_one_for_everybody(admin: UnleashAdminApi, feature: str) -> None:
    admin.switch(PROJECT, feature, DEV, "on")

    [added] = in_development(admin, feature).strategies
    assert (added.name, added.constraints, added.segments) == ("flexibleRollout", [], [])
    assert added.parameters == {"rollout": "100", "stickiness": "default", "groupId": feature}


def test_deleting_the_last_strategy_switches_the_environment_off(admin: UnleashAdminApi, feature: str) -> None:
    first, last = (admin.add_strategy(PROJECT, feature, DEV, HALF) for _ in range(2))
    admin.switch(PROJECT, feature, DEV, "on")

    admin.delete_strategy(PROJECT, feature, DEV, first.id)
    assert in_development(admin, feature).enabled
    admin.delete_strategy(PROJECT, feature, DEV, last.id)

    assert not in_development(admin, feature).enabled


def test_route_of_an_environment_leaves_out_the_segments_of_strategies(
    unleash: UnleashServer, admin: UnleashAdminApi, feature: str
) -> None:
    admin.add_strategy(PROJECT, feature, DEV, HALF)

    [strategy] = unleash.call("GET", f"/api/admin/projects/{PROJECT}/features/{feature}/environments/{DEV}")["strategies"]

    assert "segments" not in strategy


def test_archived_feature_is_unknown_and_can_not_be_switched(admin: UnleashAdminApi, archived: str) -> None:
    with pytest.raises(ProviderRejected) as unknown:
        admin.feature(PROJECT, archived)
    assert unknown.value.status == 404
    for to in ("on", "off"):
        with pytest.raises(ProviderRejected, match="archived features") as rejected:
            admin.switch(PROJECT, archived, DEV, "on" if to == "on" else "off")
        assert rejected.value.status == 400


def test_archived_feature_still_takes_strategies_but_does_not_give_them_back(admin: UnleashAdminApi, archived: str) -> None:
    added = admin.add_strategy(PROJECT, archived, DEV, HALF)
    changed = admin.update_strategy(PROJECT, archived, DEV, added.model_copy(update={"title": "Changed"}))

    assert changed.title == "Changed"
    with pytest.raises(ProviderRejected, match="archived features"):
        admin.delete_strategy(PROJECT, archived, DEV, added.id)


def test_rollout_is_stored_without_a_check(admin: UnleashAdminApi, feature: str) -> None:
    for share in ("33.3", "133", "abc"):
        added = admin.add_strategy(PROJECT, feature, DEV, NewStrategy(name="flexibleRollout", parameters={"rollout": share}))
        assert added.parameters["rollout"] == share


def test_environment_takes_thirty_strategies(admin: UnleashAdminApi, feature: str) -> None:
    orders = [admin.add_strategy(PROJECT, feature, DEV, HALF).sort_order for _ in range(30)]
    assert orders == list(range(30))

    with pytest.raises(ProviderRejected, match="30") as rejected:
        admin.add_strategy(PROJECT, feature, DEV, HALF)
    assert rejected.value.status == 400


def test_switching_on_twice_is_one_event(unleash: UnleashServer, admin: UnleashAdminApi, feature: str) -> None:
    admin.add_strategy(PROJECT, feature, DEV, HALF)
    for _ in range(2):
        admin.switch(PROJECT, feature, DEV, "on")

    types = [each["type"] for each in unleash.call("GET", f"/api/admin/events/{feature}")["events"]]
    assert types.count("feature-environment-enabled") == 1
