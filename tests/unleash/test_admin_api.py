"""Each call of the client, made to a real Unleash."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from activities.providers.errors import ProviderRejected
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import NewSegment, NewStrategy, Segment, Strategy
from tests.unleash.features import DEV, HALF, in_development
from tests.unleash.server import PROJECT, UnleashServer

pytestmark = pytest.mark.xdist_group("unleash")


@pytest.fixture
def segment(admin: UnleashAdminApi) -> Segment:
    constraint = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    return admin.create_segment(NewSegment(name=f"segment-{os.urandom(6).hex()}", constraints=[constraint]))


def test_projects_and_their_environments_are_listed(admin: UnleashAdminApi) -> None:
    assert [each.id for each in admin.projects()] == [PROJECT]
    assert {each.name: (each.enabled, each.visible) for each in admin.environments(PROJECT)} == {
        DEV: (True, True),
        "production": (True, True),
    }


def test_no_environment_is_enabled_for_an_unknown_project(admin: UnleashAdminApi) -> None:
    assert {each.visible for each in admin.environments("nowhere")} == {False}


def test_environment_that_is_disabled_for_a_project_is_listed_as_such(unleash: UnleashServer, admin: UnleashAdminApi, feature: str) -> None:
    unleash.call("DELETE", f"/api/admin/projects/{PROJECT}/environments/{DEV}")
    try:
        assert {each.name: each.visible for each in admin.environments(PROJECT)} == {DEV: False, "production": True}
        assert admin.feature(PROJECT, feature).environment(DEV) is None
    finally:
        unleash.call("POST", f"/api/admin/projects/{PROJECT}/environments", {"environment": DEV})


def test_features_are_listed_without_the_archived_ones(admin: UnleashAdminApi, feature: str, archived: str) -> None:
    prefix = f"listed-{os.urandom(4).hex()}"
    expected = {f"{prefix}-{number:03}" for number in range(101)}
    for name in expected:
        admin.create_feature(PROJECT, name)

    names = [each.name for each in admin.features(PROJECT)]

    assert expected | {feature} <= set(names)
    assert len(set(names)) == len(names)
    assert archived not in names


def test_list_may_be_read_more_often_than_a_search(admin: UnleashAdminApi, feature: str) -> None:
    for _ in range(20):
        assert feature in [each.name for each in admin.features(PROJECT)]


def test_unknown_project_has_no_features(admin: UnleashAdminApi) -> None:
    assert admin.features("nowhere") == []


def test_new_feature_is_off_and_has_no_strategies_in_any_environment(admin: UnleashAdminApi, feature: str) -> None:
    found = admin.feature(PROJECT, feature)

    assert [(each.name, each.enabled, each.strategies) for each in found.environments] == [(DEV, False, []), ("production", False, [])]
    assert found.environment("moon") is None


def test_strategy_is_added_read_changed_and_deleted(admin: UnleashAdminApi, feature: str, segment: Segment) -> None:
    kept = admin.add_strategy(PROJECT, feature, DEV, HALF)
    added = admin.add_strategy(PROJECT, feature, DEV, HALF.model_copy(update={"segments": [segment.id]}))
    assert (added.title, added.parameters, added.segments) == ("Half", dict(HALF.parameters), [segment.id])
    assert [each.id for each in in_development(admin, feature).strategies] == [kept.id, added.id]
    assert in_development(admin, feature).strategies[1].segments == [segment.id]

    changed = admin.update_strategy(
        PROJECT, feature, DEV, added.model_copy(update={"parameters": {**added.parameters, "rollout": "60"}, "segments": []})
    )
    assert (changed.parameters["rollout"], changed.segments) == ("60", [])

    admin.delete_strategy(PROJECT, feature, DEV, added.id)
    assert in_development(admin, feature).strategies == [kept]
    with pytest.raises(ProviderRejected, match=added.id) as gone:
        admin.delete_strategy(PROJECT, feature, DEV, added.id)
    assert gone.value.status == 404


def test_strategy_that_was_read_can_be_written_back_unchanged(admin: UnleashAdminApi, feature: str, segment: Segment) -> None:
    variants = [
        {"name": "v", "weight": 1000, "weightType": "variable", "stickiness": "default", "payload": {"type": "string", "value": "x"}}
    ]
    constraints = [{"contextName": "plan", "operator": "STR_CONTAINS", "values": ["p"], "inverted": True, "caseInsensitive": True}]
    full = HALF.model_copy(update={"segments": [segment.id], "constraints": constraints, "variants": variants, "disabled": True})
    admin.add_strategy(PROJECT, feature, DEV, NewStrategy.model_validate(full.model_dump()))
    [before] = in_development(admin, feature).strategies

    admin.update_strategy(PROJECT, feature, DEV, before)

    assert in_development(admin, feature).strategies == [before]
    assert (before.variants[0]["payload"], before.constraints[0]["caseInsensitive"], before.disabled) == (
        variants[0]["payload"],
        True,
        True,
    )


def test_fields_that_were_not_set_are_kept_by_an_update(admin: UnleashAdminApi, feature: str, segment: Segment) -> None:
    added = admin.add_strategy(PROJECT, feature, DEV, HALF.model_copy(update={"segments": [segment.id]}))

    admin.update_strategy(PROJECT, feature, DEV, Strategy(id=added.id, name=added.name, parameters={"rollout": "60"}))

    [found] = in_development(admin, feature).strategies
    assert (found.segments, found.title, found.parameters["rollout"]) == ([segment.id], "Half", "60")


def test_feature_is_switched_on_and_off(admin: UnleashAdminApi, feature: str) -> None:
    admin.add_strategy(PROJECT, feature, DEV, HALF)
    for to, enabled in (("on", True), ("on", True), ("off", False), ("off", False)):
        admin.switch(PROJECT, feature, DEV, "on" if to == "on" else "off")
        assert in_development(admin, feature).enabled == enabled
    assert len(in_development(admin, feature).strategies) == 1


def test_segment_is_created_and_listed(admin: UnleashAdminApi, segment: Segment) -> None:
    [found] = [each for each in admin.segments() if each.id == segment.id]

    assert (found.name, found.constraints) == (segment.name, segment.constraints)
    assert (found.constraints[0]["contextName"], found.constraints[0]["values"]) == ("plan", ["pro"])


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (lambda api, name: api.create_feature(PROJECT, name), 409, "already exists"),
        (lambda api, name: api.create_feature(PROJECT, "two words"), 400, '"name" must be URL friendly'),
        (lambda api, name: api.create_feature("nowhere", "new"), 404, "nowhere"),
        (lambda api, name: api.feature("nowhere", name), 404, "nowhere"),
        (lambda api, name: api.feature(PROJECT, "unknown"), 404, "unknown"),
        (lambda api, name: api.feature(PROJECT, "a/../b"), 404, ""),
        (lambda api, name: api.switch("nowhere", name, DEV, "on"), 404, "nowhere"),
        (lambda api, name: api.switch(PROJECT, "unknown", DEV, "on"), 404, "unknown"),
        (lambda api, name: api.switch(PROJECT, name, "moon", "on"), 404, "moon"),
        (lambda api, name: api.add_strategy("nowhere", name, DEV, HALF), 404, "nowhere"),
        (lambda api, name: api.add_strategy(PROJECT, "unknown", DEV, HALF), 404, "unknown"),
        (lambda api, name: api.add_strategy(PROJECT, name, DEV, NewStrategy(name="none")), 400, "none"),
        (lambda api, name: api.add_strategy(PROJECT, name, DEV, NewStrategy(name="flexibleRollout", segments=[99999])), 404, "99999"),
        (lambda api, name: api.update_strategy(PROJECT, name, DEV, Strategy(id="x", name="flexibleRollout")), 404, "x"),
        (lambda api, name: api.create_segment(NewSegment(name="n", constraints=[{"contextName": "a", "operator": "IS"}])), 400, '"IS"'),
    ],
)
def test_rejection_has_the_status_and_the_message_of_the_server(
    admin: UnleashAdminApi, feature: str, call: Callable[[UnleashAdminApi, str], Any], status: int, message: str
) -> None:
    with pytest.raises(ProviderRejected) as rejected:
        call(admin, feature)

    assert rejected.value.status == status
    assert message in rejected.value.message


def test_segment_whose_name_is_taken_is_rejected(admin: UnleashAdminApi, segment: Segment) -> None:
    with pytest.raises(ProviderRejected) as rejected:
        admin.create_segment(NewSegment(name=segment.name, constraints=[]))

    assert rejected.value.status == 409
