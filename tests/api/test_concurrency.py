"""Concurrent requests for the same thing: exactly one succeeds."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.answers import problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage

CLIENTS = 8


def _send_concurrently(api: Api, path: str, body: Any = None) -> Counter[int]:
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda _: api.request("POST", path, body), range(CLIENTS)))
    for answer in answers:
        if not answer.is_success:
            problem_of(answer, 409, answer.json()["code"])
    return Counter(answer.status_code for answer in answers)


def test_only_one_concurrent_request_adds_a_flag(api_on_both: Api) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Development")))

    statuses = _send_concurrently(api_on_both, "/projects/shop/releases", {"pipeline": "standard", "feature": "checkout"})

    assert statuses == {201: 1, 409: CLIENTS - 1}
    assert len(api_on_both.get("/projects/shop/releases")["items"]) == 1
    assert len(api_on_both.get("/projects/shop/audit", event="release.added")["items"]) == 1


def test_only_one_concurrent_request_gets_a_key(api_on_both: Api) -> None:
    api_on_both.make_project()
    bodies = {
        "/projects": {"key": "blog"},
        "/projects/shop/features": {"key": "banner"},
        "/projects/shop/pipelines": pipeline(stage("Development")),
    }

    for path, body in bodies.items():
        assert _send_concurrently(api_on_both, path, body) == {201: 1, 409: CLIENTS - 1}, path


def test_only_one_concurrent_request_publishes_a_draft_or_removes_a_release(api_on_both: Api) -> None:
    api_on_both.make_project()
    draft = api_on_both.post("/projects/shop/pipelines", pipeline(stage("Development")))

    published = _send_concurrently(api_on_both, f"/projects/shop/pipelines/{draft['id']}/publish")
    removed = _send_concurrently(api_on_both, f"/projects/shop/releases/{api_on_both.add()['id']}/remove", {})

    assert published == removed == {200: 1, 409: CLIENTS - 1}
    for event in ("pipeline.published", "release.removed"):
        assert len(api_on_both.get("/projects/shop/audit", event=event)["items"]) == 1


def test_only_one_concurrent_request_drafts_the_next_version_and_all_may_archive(api_on_both: Api) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Development")))

    cloned = _send_concurrently(api_on_both, "/projects/shop/pipelines/standard/clone", {})
    archived = _send_concurrently(api_on_both, "/projects/shop/pipelines/standard/archive")

    assert (cloned, archived) == ({201: 1, 409: CLIENTS - 1}, {200: CLIENTS})
    assert [each["version"] for each in api_on_both.get("/projects/shop/pipelines")["items"]] == [2, 1]
    for event in ("pipeline.cloned", "pipeline.archived"):
        assert len(api_on_both.get("/projects/shop/audit", event=event)["items"]) == 1


def test_concurrent_requests_create_keys_for_a_new_owner(api_on_both: Api) -> None:
    body = {"name": "robot", "owner": {"kind": "service", "name": "robot"}, "grants": [{"role": "owner"}]}

    assert _send_concurrently(api_on_both, "/keys", body) == {201: CLIENTS}
