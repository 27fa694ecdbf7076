"""Segments over HTTP."""

from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, stage

SEGMENTS = "/projects/shop/segments"
FLAG = "/projects/shop/environments/production/features/checkout"


def test_rules_are_returned_as_they_were_sent(api_on_both: Api) -> None:
    api_on_both.make_project()
    condition = {"property": "plan", "operator": "IN", "value": "pro,ünïcode 🚀"}
    rules = [{"type": "ANY", "rules": [{"type": "NONE", "rules": [], "conditions": [condition]}], "conditions": []}]

    created = api_on_both.post(SEGMENTS, {"key": "buyers", "rules": rules})

    assert created == {"key": "buyers", "name": "buyers", "rules": rules, "served_rules": None, "warnings": []}
    assert api_on_both.get(f"{SEGMENTS}/buyers") == created
    listed = {each["key"]: each for each in api_on_both.get(SEGMENTS)["items"]}
    assert listed["buyers"] | {"served_rules": None, "warnings": []} == created


def test_numbers_and_booleans_are_stored_as_the_text_that_flagsmith_compares(api: Api) -> None:
    api.make_project()
    conditions = [{"property": "age", "operator": "EQUAL", "value": value} for value in (18, 1.5, True)]

    created = api.post(SEGMENTS, {"key": "grown-up", "rules": [{"type": "ANY", "conditions": conditions}]})

    assert [each["value"] for each in created["rules"][0]["conditions"]] == ["18", "1.5", "true"]


def test_a_patch_changes_only_the_fields_it_names(api: Api) -> None:
    api.make_project()
    before = api.get(f"{SEGMENTS}/staff")

    renamed = api.patch(f"{SEGMENTS}/staff", {"name": "All staff"})
    emptied = api.patch(f"{SEGMENTS}/staff", {"rules": []})

    assert renamed == before | {"name": "All staff"}
    assert emptied == renamed | {"rules": [], "served_rules": None}


def test_deleting_a_segment_in_use_is_refused_with_its_uses(api: Api) -> None:
    api.make_project()
    api.patch(FLAG, {"overrides": {"staff": {"enabled": True}}})
    published = api.publish(pipeline(stage("Staff", actions=[enable("staff")])))
    release = api.add()

    refused = problem_of(api.request("DELETE", f"{SEGMENTS}/staff"), 409, "in_use")

    assert refused["details"]["used_by"] == [
        {"kind": "override", "feature": "checkout", "environment": "production"},
        {"kind": "pipeline", "key": "standard", "version": 1, "id": published["id"]},
        {"kind": "release", "id": release["id"], "feature": "checkout"},
    ]
    assert api.request("DELETE", f"{SEGMENTS}/beta-users").status_code == 204


def test_a_segment_used_only_by_a_draft_can_be_deleted_and_publishing_is_then_refused(api: Api) -> None:
    api.make_project()
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Staff", actions=[enable("staff")])))

    assert api.request("DELETE", f"{SEGMENTS}/staff").status_code == 204

    refused = api.request("POST", f"/projects/shop/pipelines/{draft['id']}/publish")
    assert pointers(problem_of(refused, 422, "publishing_refused")) == ["/stages/0/actions/0/segment"]


def test_a_duplicate_key_is_refused_until_the_segment_is_deleted(api: Api) -> None:
    api.make_project()

    taken = api.request("POST", SEGMENTS, {"key": "staff"})
    api.request("DELETE", f"{SEGMENTS}/staff")

    assert pointers(problem_of(taken, 409, "conflict")) == ["/key"]
    assert api.post(SEGMENTS, {"key": "staff"})["rules"] == []


def in_cities(value: str) -> list[dict[str, Any]]:
    return [{"type": "ALL", "rules": [], "conditions": [{"property": "city", "operator": "IN", "value": value}]}]


def test_a_list_typed_with_spaces_is_stored_without_them_and_the_answer_says_so(api_on_both: Api) -> None:
    api_on_both.make_project()

    created = api_on_both.post(SEGMENTS, {"key": "cities", "rules": in_cities("oslo, rome,bern")})

    assert created["rules"] == in_cities("oslo,rome,bern")
    message = "Stored as 'oslo,rome,bern': spaces around list entries were removed."
    assert created["warnings"] == [{"pointer": "/rules/0/conditions/0/value", "code": "value_normalized", "message": message}]
    assert api_on_both.get(f"{SEGMENTS}/cities") == created | {"warnings": []}
    [audited] = api_on_both.get("/audit", event="segment.created", segment="cities")["items"]
    assert audited["after"]["rules"] == created["rules"]


def test_a_change_normalizes_new_rules_and_a_new_name_changes_no_rules(api: Api) -> None:
    api.make_project()
    api.post(SEGMENTS, {"key": "cities", "rules": in_cities("oslo")})

    changed = api.patch(f"{SEGMENTS}/cities", {"rules": in_cities('["oslo", "rome"]')})
    renamed = api.patch(f"{SEGMENTS}/cities", {"name": "Cities"})

    assert changed["rules"] == in_cities("oslo,rome")
    assert [each["code"] for each in changed["warnings"]] == ["value_normalized"]
    assert renamed == changed | {"name": "Cities", "warnings": []}


def test_a_repeated_request_returns_the_same_warnings(api: Api) -> None:
    api.make_project()
    body = {"key": "cities", "rules": in_cities("oslo, rome")}

    first, second = (api.post(SEGMENTS, body, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert first == second
    assert first["warnings"]


@pytest.mark.parametrize("value", [",", " ", "[]", '["a,b"]', r'["\u0000"]', "[null]"])
def test_a_list_that_sdks_cannot_read_alike_is_refused_with_a_pointer(api: Api, value: str) -> None:
    api.make_project()
    api.post(SEGMENTS, {"key": "cities", "rules": in_cities("oslo")})

    refused = [
        api.request("POST", SEGMENTS, {"key": "others", "rules": in_cities(value)}),
        api.request("PATCH", f"{SEGMENTS}/cities", {"rules": in_cities(value)}),
    ]

    for answer in refused:
        assert pointers(problem_of(answer, 422, "invalid")) == ["/rules/0/conditions/0/value"]
    assert api.get(f"{SEGMENTS}/cities")["rules"] == in_cities("oslo")


def test_an_answer_shows_what_was_written_and_what_is_served(api: Api) -> None:
    api.make_project()
    condition = {"property": "plan", "operator": "NOT_EQUAL", "value": "pro"}
    rules = [{"type": "ALL", "rules": [], "conditions": [condition]}]

    created = api.post(SEGMENTS, {"key": "others", "rules": rules})

    assert created["rules"] == rules
    is_set = {"property": "plan", "operator": "IS_SET", "value": None}
    equal = {"property": "plan", "operator": "IN", "value": "pro"}
    none = {"type": "NONE", "rules": [], "conditions": [equal]}
    assert created["served_rules"] == [{"type": "ALL", "rules": [none], "conditions": [is_set]}]
    assert api.get(f"{SEGMENTS}/others") == created


def test_a_rule_that_sdks_evaluate_differently_is_accepted_with_a_warning(api: Api) -> None:
    api.make_project()
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "zip", "operator": "CONTAINS", "value": "021"}]}]

    [warning] = api.post(SEGMENTS, {"key": "boston", "rules": rules})["warnings"]

    assert (warning["pointer"], warning["code"]) == ("/rules/0/conditions/0/value", "differs_between_sdks")
    assert warning["message"].startswith("Node, Go and Java evaluate this differently than our API")
    assert '"02134"' in warning["message"]


@pytest.mark.parametrize("kind", ["ALL", "ANY", "NONE"])
def test_a_rule_without_conditions_is_refused(api: Api, kind: str) -> None:
    api.make_project()
    empty = {"type": kind, "rules": [], "conditions": []}

    answers = [
        api.request("POST", SEGMENTS, {"key": "everyone", "rules": [empty]}),
        api.request("PATCH", f"{SEGMENTS}/staff", {"rules": [{"type": "ALL", "rules": [empty], "conditions": []}]}),
    ]

    assert [pointers(problem_of(each, 422, "invalid")) for each in answers] == [["/rules/0"], ["/rules/0/rules/0"]]
