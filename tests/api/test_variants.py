"""Variants of a feature and their allocations, over HTTP."""

from typing import Any

import pytest

from tests.api.answers import problem_of
from tests.api.evaluation.applications import application, change
from tests.http import Api
from tests.pipelines import allocate, pipeline, stage

FEATURE = "/projects/shop/features/checkout"
FLAG = "/projects/shop/environments/production/features/checkout"
VARIANTS = [{"key": "one-page", "value": "one page"}, {"key": "two-pages", "value": "two pages"}]


@pytest.fixture
def shop(api: Api) -> Api:
    """A project with a feature that has two variants, which no one gets yet."""
    api.make_project()
    api.patch(FEATURE, {"variants": VARIANTS})
    return api


def _audit(api: Api) -> list[dict[str, Any]]:
    """Return the audit entries, the newest first."""
    found: list[dict[str, Any]] = api.get("/projects/shop/audit", limit=200)["items"]
    return found


def test_a_feature_has_the_variants_that_it_was_given_and_the_audit_log_says_so(shop: Api) -> None:
    made = shop.post("/projects/shop/features", {"key": "banner", "type": "toggle", "variants": [{"key": "red"}, {"key": "blue"}]})

    assert made["variants"] == [{"key": "red", "value": None}, {"key": "blue", "value": None}]
    assert shop.get(FEATURE)["variants"] == VARIANTS
    [entry] = [each for each in _audit(shop) if each["event"] == "feature.changed"]
    assert (entry["before"], entry["after"]) == ({"variants": []}, {"variants": VARIANTS})


@pytest.mark.parametrize(
    ("variants", "pointer", "code"),
    [
        ([{"key": "a", "value": 5}], "/variants/0/value", "value_type_wrong"),
        ([{"key": "a"}, {"key": "a"}], "/variants", "value_error"),
        ([{"key": "control", "value": "x"}], "/variants/0/key", "value_error"),
        ([{"key": f"v{number}"} for number in range(21)], "/variants", "too_long"),
        ([{"key": "a", "weight": 5}], "/variants/0/weight", "extra_forbidden"),
    ],
)
def test_variants_that_could_not_be_served_are_refused(shop: Api, variants: list[Any], pointer: str, code: str) -> None:
    refused = shop.request("PATCH", FEATURE, {"variants": variants})

    assert refused.status_code == 422
    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [(pointer, code)]


def test_a_change_that_names_an_earlier_state_of_the_variants_is_refused(shop: Api) -> None:
    etag = shop.request("GET", FEATURE).headers["etag"]
    shop.patch(FEATURE, {"variants": VARIANTS[:1]})

    refused = shop.client.patch(FEATURE, json={"variants": []}, headers={"If-Match": etag})

    assert refused.status_code == 412


def test_an_allocation_serves_each_variant_to_its_share_and_the_value_to_everyone_else(shop: Api) -> None:
    change(shop, {"enabled": True, "allocation": {"one-page": 30, "two-pages": 20}})
    app = application(shop)

    served = [app.evaluate({"targetingKey": f"user-{number}"}, "checkout").json() for number in range(200)]

    assert shop.get(FLAG)["allocation"] == {"one-page": 30, "two-pages": 20}
    assert {each["reason"] for each in served} == {"SPLIT"}
    assert {(each["variant"], each["value"]) for each in served} == {
        ("one-page", "one page"),
        ("two-pages", "two pages"),
        ("default", "classic"),
    }
    assert 30 <= sum(each["variant"] == "one-page" for each in served) <= 90
    missing = app.evaluate({}, "checkout").json()
    assert missing["errorCode"] == "TARGETING_KEY_MISSING"


def test_flagsmiths_api_names_the_variant_of_an_identity(shop: Api) -> None:
    change(shop, {"enabled": True, "allocation": {"one-page": 50}})
    app = application(shop)

    [[ada], [one]] = (app.flagsmith("POST", "identities/", {"identifier": each}).json()["flags"] for each in ("ada", "user-1"))
    [default] = app.flagsmith("GET", "flags/").json()

    assert {(each["variant"], each["feature_state_value"]) for each in (ada, one)} <= {("one-page", "one page"), ("control", "classic")}
    assert (default["variant"], default["feature_state_value"]) == (None, "classic")


def test_an_allocation_of_a_variant_that_the_feature_does_not_have_is_refused(shop: Api) -> None:
    refused = shop.request("PATCH", FLAG, {"allocation": {"one-pag": 5}, "overrides": {"staff": {"allocation": {"three": 5}}}})

    assert refused.status_code == 422
    problems = {each["pointer"]: (each["code"], each["message"]) for each in refused.json()["errors"]}
    assert problems["/allocation/one-pag"] == ("variant_not_found", "The feature has no variant 'one-pag'. Did you mean 'one-page'?")
    assert problems["/overrides/staff/allocation/three"][1].endswith("It has one-page, two-pages.")
    too_much = shop.request("PATCH", FLAG, {"allocation": {"one-page": 60, "two-pages": 50}})
    assert problem_of(too_much, 422, "invalid")["errors"][0]["pointer"] == "/allocation"


def test_a_variant_in_use_keeps_its_value_and_an_unused_one_can_go(shop: Api) -> None:
    change(shop, {"overrides": {"staff": {"allocation": {"one-page": 10}}}})

    changed = shop.request("PATCH", FEATURE, {"variants": [VARIANTS[0] | {"value": "other"}, VARIANTS[1]]})
    removed = shop.request("PATCH", FEATURE, {"variants": VARIANTS[1:]})
    shop.patch(FEATURE, {"variants": VARIANTS[:1]})

    used = [{"kind": "allocation", "feature": "checkout", "environment": "production"}]
    assert [(each.status_code, each.json()["details"]["used_by"]) for each in (changed, removed)] == [(409, used)] * 2
    change(shop, {"overrides": {"staff": None}})
    assert shop.patch(FEATURE, {"variants": []})["variants"] == []


def test_a_variant_that_an_unfinished_release_names_is_in_use_and_a_pipeline_alone_is_not(shop: Api) -> None:
    shop.publish(pipeline(stage("Later", "production", "1h", [allocate({"one-page": 10})])))
    shop.patch(FEATURE, {"variants": [VARIANTS[0] | {"value": "other"}, VARIANTS[1]]})
    release = shop.add()

    refused = shop.request("PATCH", FEATURE, {"variants": VARIANTS})

    assert refused.json()["details"]["used_by"] == [{"kind": "release", "id": release["id"], "feature": "checkout"}]


def test_adding_a_flag_without_the_variants_of_its_stages_is_refused_and_simulated(shop: Api) -> None:
    published = shop.publish(pipeline(stage("Try", actions=[allocate({"one-page": 10, "video": 5}), allocate({"film": 5}, "staff")])))

    refused = shop.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
    simulated = shop.post(f"/projects/shop/pipelines/{published['id']}/simulate", {"feature": "checkout"})

    messages = [f"Stage 'Try': The feature has no variant '{each}'. It has one-page, two-pages." for each in ("video", "film")]
    assert [each["message"] for each in refused.json()["errors"]] == messages
    assert [each["message"] for each in simulated["obstacles"]] == messages
    assert {each["code"] for each in simulated["obstacles"]} == {"variant_not_found"}


def test_a_change_of_the_value_by_hand_warns_that_it_ended_the_allocation(shop: Api) -> None:
    change(shop, {"allocation": {"one-page": 10}})

    changed = shop.patch(FLAG, {"value": "new"})

    assert changed["environments"]["production"]["allocation"] == {}
    assert changed["warnings"] == ["This ended the allocation: everyone gets the same value now."]
    entry = _audit(shop)[0]
    assert entry["after"] == {"value": "new", "allocation": {}}
    assert entry["before"]["allocation"] == {"one-page": {"percent": 10, "at": [[0, 1000]]}}


def test_environments_differ_in_the_shares_only(shop: Api) -> None:
    change(shop, {"allocation": {"one-page": 10, "two-pages": 10}})
    change(shop, {"allocation": {"two-pages": 10}, "overrides": {"staff": {"allocation": {"one-page": 5}}}})
    change(shop, {"allocation": {"two-pages": 10}}, environment="staging")

    compared = shop.get("/projects/shop/environments/staging/compare/production")["items"]

    assert [each["differences"] for each in compared] == [
        [
            {
                "field": "overrides/staff",
                "left": None,
                "right": {"inherits": ["enabled", "value"], "priority": 0, "allocation": {"one-page": 5}},
            }
        ]
    ]
