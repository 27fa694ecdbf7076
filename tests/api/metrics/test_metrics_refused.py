"""Sources and metrics over the API that are refused, with the place of the fault."""

from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.api.metrics.bodies import METRICS, SECRET, SOURCES, metric, put, source
from tests.conftest import serve_without_temporal
from tests.http import Api


def test_a_source_in_use_is_not_deleted(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())

    problem = problem_of(api.request("DELETE", f"{SOURCES}/orders"), 409, "in_use")

    assert problem["details"]["used_by"] == [{"kind": "metric", "key": "count"}]
    assert api.request("DELETE", f"{METRICS}/count").status_code == 204
    assert api.request("DELETE", f"{SOURCES}/orders").status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (source(address="sqlite:///../flaghoist.db"), "/address"),
        (source(address="sqlite:////etc/passwd"), "/address"),
        (source(address="postgresql://reader:hunter2@db.example/shop"), "/address"),
        (source(address="mysql://reader@db.example/shop"), "/address"),
        (source(kind="http", address="https://user@shop.example"), "/address"),
        (source(kind="graphite"), "/kind"),
        (source(calls=0), "/calls"),
        (source(credential="é"), "/credential"),
        (source(unit="x"), "/unit"),
        (source(key="A"), "/key"),
    ],
)
def test_a_source_that_can_not_work_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    answer = api.request("POST", SOURCES, body)

    assert pointers(problem_of(answer, 422, "invalid")) == [pointer]
    assert "hunter2" not in answer.text


def test_a_file_gets_no_credential(api: Api) -> None:
    problem = problem_of(api.request("POST", SOURCES, source(credential=SECRET)), 422, "invalid")

    assert "SQLite files need none" in problem["detail"]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"source": "ordres"}, "/source"),
        ({"query": "SELECT :featur"}, "/query"),
        ({"freshness": "up"}, "/freshness"),
        ({"unit": "ms"}, "/unit"),
        ({"minimum": 5}, ""),
    ],
)
def test_a_metric_that_can_not_work_is_refused(api: Api, more: dict[str, Any], found: str) -> None:
    api.post(SOURCES, source())

    assert pointers(problem_of(api.request("POST", METRICS, metric(**more)), 422, "invalid")) == [found]


def test_keys_and_kinds_never_change(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())

    assert pointers(problem_of(put(api, f"{SOURCES}/orders", source(key="other")), 422, "invalid")) == ["/key"]
    assert pointers(problem_of(put(api, f"{METRICS}/count", metric(key="other")), 422, "invalid")) == ["/key"]
    changed = source(kind="http", address="http://127.0.0.1:1")
    assert pointers(problem_of(put(api, f"{SOURCES}/orders", changed), 422, "invalid")) == ["/kind"]


def test_a_stale_writer_changes_nothing(api: Api) -> None:
    api.post(SOURCES, source())
    api.post(METRICS, metric())
    tags = {path: api.request("GET", path).headers["etag"] for path in (f"{SOURCES}/orders", f"{METRICS}/count")}
    put(api, f"{SOURCES}/orders", source(name="Newer"))
    put(api, f"{METRICS}/count", metric(name="Newer"))

    for path, body in ((f"{SOURCES}/orders", source(name="Mine")), (f"{METRICS}/count", metric(name="Mine"))):
        problem_of(put(api, path, body, **{"If-Match": tags[path]}), 412, "resource_changed")
        problem_of(api.request("DELETE", path, headers={"If-Match": tags[path]}), 412, "resource_changed")
        assert api.get(path)["name"] == "Newer"


def test_private_addresses_are_refused_with_the_setting(sqlite_url: str) -> None:
    for api in serve_without_temporal(sqlite_url, metrics_allow_private=False):
        api.make_project()
        for body in (
            source(kind="http", address="https://127.0.0.1/metrics"),
            source(kind="http", address="http://93.184.216.34/metrics"),
            source(address="postgresql://reader@127.0.0.1/shop"),
        ):
            problem = problem_of(api.request("POST", SOURCES, body), 422, "invalid")
            assert "FLAGHOIST_METRICS_ALLOW_PRIVATE" in problem["detail"]
            assert pointers(problem) == ["/address"]
