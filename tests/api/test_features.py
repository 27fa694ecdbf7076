"""Features over HTTP, and manual changes to their flags."""

from typing import Any

import pytest

from tests.api.answers import audit_log, pointers, problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage

FEATURES = "/projects/shop/features"
FLAG = "/projects/shop/environments/production/features/checkout"


def _production(api: Api) -> Any:
    return api.get(f"{FEATURES}/checkout")["environments"]["production"]


def test_feature_type_is_inferred_from_its_default(api: Api) -> None:
    api.make_project()

    types = [
        api.post(FEATURES, {"key": key, "default": {"value": value}})["type"]
        for key, value in (("a", None), ("b", "text"), ("c", 0), ("d", False))
    ]

    assert types == ["toggle", "string", "integer", "boolean"]


def test_feature_has_its_default_in_every_environment_including_later_ones(api: Api) -> None:
    api.make_project()

    api.post("/projects/shop/environments", {"key": "later"})

    environments = api.get(f"{FEATURES}/checkout")["environments"]
    assert list(environments) == ["development", "staging", "production", "later"]
    assert environments["later"] == {"enabled": False, "value": "classic", "allocation": {}, "overrides": {}, "rollout": None}


def test_manual_change_touches_only_the_given_fields(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"value": "new", "overrides": {"staff": {"value": "for staff"}}})

    changed = api.patch(FLAG, {"enabled": True, "overrides": {"beta-users": {"enabled": False}}})["environments"]

    assert changed["production"]["enabled"] is True
    assert changed["production"]["value"] == "new"
    assert changed["production"]["overrides"]["staff"]["value"] == "for staff"
    assert changed["development"] == {"enabled": False, "value": "classic", "allocation": {}, "overrides": {}, "rollout": None}


def test_manual_change_without_effect_is_not_audited(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"value": "new"})

    again = api.patch(FLAG, {"value": "new"})

    assert again["environments"]["production"]["value"] == "new"
    assert len(api.get("/projects/shop/audit", event="flag.changed")["items"]) == 1


def test_inherited_field_of_an_override_follows_the_default(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"overrides": {"staff": {"enabled": True}}})

    api.patch(FLAG, {"value": "changed later"})

    assert _production(api)["overrides"]["staff"] == {
        "enabled": True,
        "value": "changed later",
        "inherits": ["value"],
        "priority": 0,
        "allocation": None,
    }


def test_null_value_is_a_value_and_not_inheritance(api: Api) -> None:
    api.make_project()

    api.patch(FLAG, {"overrides": {"staff": {"value": None}}})

    assert _production(api)["overrides"]["staff"] == {
        "enabled": False,
        "value": None,
        "inherits": ["enabled"],
        "priority": 0,
        "allocation": None,
    }


def test_overrides_are_removed_one_by_one_or_all_at_once(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"overrides": {"staff": {"enabled": True}, "beta-users": {"enabled": True}}})

    one_left = api.patch(FLAG, {"overrides": {"staff": None}})["environments"]["production"]["overrides"]
    none_left = api.patch(FLAG, {"overrides": "remove"})["environments"]["production"]["overrides"]

    assert list(one_left) == ["beta-users"]
    assert none_left == {}


@pytest.mark.parametrize(
    ("patch", "at"),
    [({"value": 5}, "/value"), ({"value": True}, "/value"), ({"overrides": {"staff": {"value": 5}}}, "/overrides/staff/value")],
)
def test_value_of_the_wrong_type_is_refused(api: Api, patch: dict[str, Any], at: str) -> None:
    api.make_project()
    before, log = _production(api), audit_log(api)

    refused = problem_of(api.request("PATCH", FLAG, {"enabled": True} | patch), 422, "value_type_wrong")

    assert pointers(refused) == [at]
    assert refused["details"] == {"expected": "string"}
    assert (_production(api), audit_log(api)) == (before, log)


def test_default_of_the_wrong_type_is_refused(api: Api) -> None:
    api.make_project()

    refused = api.request("POST", FEATURES, {"key": "f", "type": "integer", "default": {"value": "text"}})

    assert pointers(problem_of(refused, 422, "value_type_wrong")) == ["/default/value"]


def test_override_for_an_unknown_segment_is_refused(api: Api) -> None:
    api.make_project()

    refused = api.request("PATCH", FLAG, {"enabled": True, "overrides": {"staff": {"enabled": True}, "nobody": {"enabled": True}}})

    assert pointers(problem_of(refused, 422, "invalid")) == ["/overrides/nobody"]
    assert _production(api)["enabled"] is False


def test_two_overrides_with_one_priority_are_refused(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"overrides": {"staff": {"enabled": True, "priority": 1_000_000}}})

    named = api.request("PATCH", FLAG, {"overrides": {"beta-users": {"priority": 1_000_000}}})
    ranked_last = api.request("PATCH", FLAG, {"overrides": {"beta-users": {"enabled": True}}})

    for answer in (named, ranked_last):
        assert pointers(problem_of(answer, 422, "invalid")) == ["/overrides/beta-users/priority"]


def test_unknown_flag_or_environment_is_not_found(api: Api) -> None:
    api.make_project()

    problem_of(api.request("PATCH", "/projects/shop/environments/moon/features/checkout", {"enabled": True}), 404, "environment_not_found")
    problem_of(api.request("PATCH", "/projects/shop/environments/production/features/nothing", {"enabled": True}), 404, "feature_not_found")


def test_manual_change_of_a_flag_in_a_release_returns_a_warning(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    before = api.patch(FLAG, {"enabled": True})["warnings"]
    release = api.add()

    [warning] = api.patch(FLAG, {"enabled": False})["warnings"]

    assert before == []
    assert release["id"] in warning
    assert api.get(f"{FEATURES}/checkout")["release"]["id"] == release["id"]


def test_feature_with_an_unfinished_release_is_not_deleted(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()

    refused = problem_of(api.request("DELETE", f"{FEATURES}/checkout"), 409, "in_use")
    api.post(f"/projects/shop/releases/{release['id']}/remove")

    assert refused["details"]["used_by"] == [{"kind": "release", "id": release["id"], "feature": "checkout"}]
    assert api.request("DELETE", f"{FEATURES}/checkout").status_code == 204
    problem_of(api.request("GET", f"{FEATURES}/checkout"), 404, "feature_not_found")
    assert api.release(release["id"])["feature"] == "checkout"


def test_renamed_feature_keeps_its_key_and_type(api: Api) -> None:
    api.make_project()

    changed = api.patch(f"{FEATURES}/checkout", {"name": "Checkout, redesigned", "description": "New."})

    assert (changed["key"], changed["type"]) == ("checkout", "string")
    assert (changed["name"], changed["description"]) == ("Checkout, redesigned", "New.")
