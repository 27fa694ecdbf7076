"""Segments over HTTP."""

from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, stage

SEGMENTS = "/projects/shop/segments"
FLAG = "/projects/shop/environments/production/features/checkout"


def test_rules_come_back_as_they_were_sent(api_on_both: Api) -> None:
    api_on_both.make_project()
    condition = {"property": "plan", "operator": "IN", "value": "pro,ünïcode 🚀"}
    rules = [{"type": "ANY", "rules": [{"type": "NONE", "rules": [], "conditions": [condition]}], "conditions": []}]

    made = api_on_both.post(SEGMENTS, {"key": "buyers", "rules": rules})

    assert made == {"key": "buyers", "name": "buyers", "rules": rules}
    assert api_on_both.get(f"{SEGMENTS}/buyers") == made


def test_numbers_and_truth_values_become_the_text_that_flagsmith_compares(api: Api) -> None:
    api.make_project()
    conditions = [{"property": "age", "operator": "EQUAL", "value": value} for value in (18, 1.5, True)]

    made = api.post(SEGMENTS, {"key": "grown-up", "rules": [{"type": "ANY", "conditions": conditions}]})

    assert [each["value"] for each in made["rules"][0]["conditions"]] == ["18", "1.5", "true"]


def test_only_what_is_named_of_a_segment_is_changed(api: Api) -> None:
    api.make_project()
    before = api.get(f"{SEGMENTS}/staff")

    renamed = api.patch(f"{SEGMENTS}/staff", {"name": "All staff"})
    emptied = api.patch(f"{SEGMENTS}/staff", {"rules": []})

    assert renamed == before | {"name": "All staff"}
    assert emptied == renamed | {"rules": []}


def test_a_segment_in_use_is_not_deleted_and_the_answer_lists_what_uses_it(api: Api) -> None:
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


def test_a_draft_does_not_keep_a_segment_and_is_then_refused(api: Api) -> None:
    api.make_project()
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Staff", actions=[enable("staff")])))

    assert api.request("DELETE", f"{SEGMENTS}/staff").status_code == 204

    refused = api.request("POST", f"/projects/shop/pipelines/{draft['id']}/publish")
    assert pointers(problem_of(refused, 422, "publishing_refused")) == ["/stages/0/actions/0/segment"]


def test_a_key_that_is_taken_is_refused_until_it_is_free(api: Api) -> None:
    api.make_project()

    taken = api.request("POST", SEGMENTS, {"key": "staff"})
    api.request("DELETE", f"{SEGMENTS}/staff")

    assert pointers(problem_of(taken, 409, "conflict")) == ["/key"]
    assert api.post(SEGMENTS, {"key": "staff"})["rules"] == []
