"""Metric sources and metrics over the API, and dry runs against SQLite files and an HTTP server."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.api.metrics.bodies import METRICS, SECRET, SOURCES, VIEWER, answer_json, asking, http_source, metric, put, source
from tests.http import Api
from tests.receiver import receiving


def test_a_dry_run_shows_the_answer_the_verdict_and_what_was_sent(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())

    answer = api.post(f"{METRICS}/ask", asking(condition={"type": "THRESHOLD", "at_most": 2}))

    assert answer["sample"]["value"] == 3
    assert answer["verdict"] == {"outcome": "fail", "value": 3, "message": "The value is 3, and should be at most 2."}
    assert answer["sent"] == {"query": metric()["query"], "parameters": {"feature": "checkout"}}


def test_a_definition_can_be_asked_before_it_is_stored(api: Api) -> None:
    api.post(SOURCES, source())

    answer = api.post(f"{METRICS}/ask", asking(metric=None, definition=metric(query="SELECT 7")))

    assert answer["sample"]["value"] == 7
    assert answer["verdict"] is None
    assert api.get(METRICS)["items"] == []


def test_a_dry_run_says_why_it_can_not_tell(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric(query="SELECT flag FROM orders LIMIT 0"))

    answer = api.post(f"{METRICS}/ask", asking(condition={"type": "THRESHOLD", "at_most": 2}))

    assert answer["sample"]["unknown"]["code"] == "no_data"
    assert answer["verdict"]["outcome"] == "unknown"


def test_a_dry_run_of_a_misspelt_flag_is_refused(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())

    for wrong in ({"feature": "chekout"}, {"environment": "prodution"}, {"metric": "cuont"}):
        problem = problem_of(api.request("POST", f"{METRICS}/ask", asking(**wrong)), 404, _code_of(wrong))
        assert "Did you mean" in problem["detail"]


def _code_of(wrong: dict[str, str]) -> str:
    return "environment_not_found" if "environment" in wrong else "feature_not_found" if "feature" in wrong else "not_found"


@pytest.mark.parametrize("nameless", [{}, {"name": None}])
def test_a_name_is_the_key_unless_it_is_given(api: Api, nameless: dict[str, Any]) -> None:
    def without(body: dict[str, Any]) -> dict[str, Any]:
        return {field: value for field, value in body.items() if field != "name"} | nameless

    assert api.post(SOURCES, without(source()))["name"] == "orders"
    assert api.post(METRICS, without(metric()))["name"] == "count"
    assert api.get(f"{METRICS}/count")["name"] == "count"
    assert put(api, f"{METRICS}/count", metric(name="Counted")).json()["name"] == "Counted"
    assert put(api, f"{METRICS}/count", without(metric())).json()["name"] == "count"


@pytest.mark.parametrize("path", [SOURCES, METRICS])
def test_a_wrong_key_is_the_only_problem_of_a_body_without_a_name(api: Api, path: str) -> None:
    body = (source if path == SOURCES else metric)(key="My key")
    del body["name"]

    assert pointers(problem_of(api.request("POST", path, body), 422, "invalid")) == ["/key"]


@pytest.mark.parametrize("more", [{"metric": None}, {"definition": metric()}])
def test_a_dry_run_has_one_metric(api: Api, more: dict[str, Any]) -> None:
    problem_of(api.request("POST", f"{METRICS}/ask", asking(**more)), 422, "invalid")


def test_a_viewer_may_ask_what_is_stored_and_sees_no_address(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())
    viewer = api.make_key("vera's", VIEWER)

    assert viewer.post(f"{METRICS}/ask", asking())["sample"]["value"] == 3
    assert viewer.get(f"{SOURCES}/orders")["address"] is None
    assert viewer.get(SOURCES)["items"][0]["address"] is None
    assert "shop.db" not in str(viewer.get("/projects/shop/audit"))
    problem_of(viewer.request("POST", f"{METRICS}/ask", asking(metric=None, definition=metric(query="SELECT 1"))), 403, "not_allowed")


def test_a_credential_is_never_in_an_answer(api: Api) -> None:
    with receiving() as server:
        server.answer = answer_json({"value": 1, "echo": SECRET})
        answers = [
            api.request("POST", SOURCES, http_source(server.port)).text,
            api.request("GET", f"{SOURCES}/web").text,
            api.request("GET", SOURCES).text,
            put(api, f"{SOURCES}/web", http_source(server.port, name="Renamed")).text,
            api.request("POST", f"{SOURCES}/web/check").text,
            api.request("GET", "/projects/shop/audit").text,
        ]

    assert not [each for each in answers if SECRET in each]
    assert api.get(f"{SOURCES}/web")["has_credential"]


def test_a_changed_address_drops_the_credential(api: Api) -> None:
    with receiving() as server, receiving() as other:
        api.post(SOURCES, http_source(server.port))
        without = {name: value for name, value in http_source(server.port).items() if name != "credential"}

        kept = put(api, f"{SOURCES}/web", without | {"calls": 2}).json()
        moved = put(api, f"{SOURCES}/web", without | {"address": f"http://127.0.0.1:{other.port}"}).json()
        api.post(f"{SOURCES}/web/check")

    assert kept["has_credential"]
    assert not moved["has_credential"]
    assert [each.headers for each in other.received] == [{}]
    assert not server.received


def test_changes_are_in_the_audit_log_without_the_address(api: Api) -> None:
    api.post(SOURCES, source())
    put(api, f"{SOURCES}/orders", source(address="sqlite:///other.db"))
    api.post(METRICS, metric())
    put(api, f"{METRICS}/count", metric(name="Renamed"))
    api.request("DELETE", f"{METRICS}/count")
    api.request("DELETE", f"{SOURCES}/orders")

    entries = [each for each in api.get("/projects/shop/audit", limit=200)["items"] if each["event"].startswith(("source.", "metric."))]

    assert [each["event"] for each in reversed(entries)] == [
        "source.created",
        "source.changed",
        "metric.created",
        "metric.changed",
        "metric.deleted",
        "source.deleted",
    ]
    assert entries[4]["after"]["address_changed"]
    assert "sqlite" not in str(entries)


def test_two_projects_have_sources_of_their_own(api: Api) -> None:
    api.make_project("other")
    api.post(SOURCES, source())

    problem_of(api.request("POST", "/projects/other/metrics", metric()), 422, "invalid")
    api.post("/projects/other/sources", source(name="Others"))

    assert [each["name"] for each in api.get(SOURCES)["items"]] == ["Orders"]


def test_a_source_says_whether_it_answers(api: Api, files: Path) -> None:
    api.post(SOURCES, source())

    assert api.post(f"{SOURCES}/orders/check")["passed"]
    (files / "shop.db").unlink()
    assert not api.post(f"{SOURCES}/orders/check")["passed"]


def test_a_project_is_deleted_with_its_sources(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())

    assert api.request("DELETE", "/projects/shop").status_code == 204
