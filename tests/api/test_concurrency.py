"""What several people ask for at the same moment is given to one of them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.answers import problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage

PEOPLE = 8


def _all_at_once(api: Api, path: str, body: Any = None) -> Counter[int]:
    with ThreadPoolExecutor(PEOPLE) as people:
        answers = list(people.map(lambda _: api.request("POST", path, body), range(PEOPLE)))
    for answer in answers:
        if not answer.is_success:
            problem_of(answer, 409, answer.json()["code"])
    return Counter(answer.status_code for answer in answers)


def test_one_of_many_adds_a_flag(api_on_both: Api) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Development")))

    statuses = _all_at_once(api_on_both, "/projects/shop/releases", {"pipeline": "standard", "feature": "checkout"})

    assert statuses == {201: 1, 409: PEOPLE - 1}
    assert len(api_on_both.get("/projects/shop/releases")["items"]) == 1
    assert len(api_on_both.get("/projects/shop/audit", event="release.added")["items"]) == 1


def test_one_of_many_gets_a_key_that_is_free(api_on_both: Api) -> None:
    api_on_both.make_project()
    bodies = {
        "/projects": {"key": "blog"},
        "/projects/shop/features": {"key": "banner"},
        "/projects/shop/pipelines": pipeline(stage("Development")),
    }

    for path, body in bodies.items():
        assert _all_at_once(api_on_both, path, body) == {201: 1, 409: PEOPLE - 1}, path


def test_one_of_many_publishes_a_draft_and_one_removes_a_release(api_on_both: Api) -> None:
    api_on_both.make_project()
    draft = api_on_both.post("/projects/shop/pipelines", pipeline(stage("Development")))

    published = _all_at_once(api_on_both, f"/projects/shop/pipelines/{draft['id']}/publish")
    removed = _all_at_once(api_on_both, f"/projects/shop/releases/{api_on_both.add()['id']}/remove", {})

    assert published == removed == {200: 1, 409: PEOPLE - 1}
    for event in ("pipeline.published", "release.removed"):
        assert len(api_on_both.get("/projects/shop/audit", event=event)["items"]) == 1


def test_one_of_many_drafts_the_next_version_and_all_may_archive(api_on_both: Api) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Development")))

    cloned = _all_at_once(api_on_both, "/projects/shop/pipelines/standard/clone", {})
    archived = _all_at_once(api_on_both, "/projects/shop/pipelines/standard/archive")

    assert (cloned, archived) == ({201: 1, 409: PEOPLE - 1}, {200: PEOPLE})
    assert [each["version"] for each in api_on_both.get("/projects/shop/pipelines")["items"]] == [2, 1]
    for event in ("pipeline.cloned", "pipeline.archived"):
        assert len(api_on_both.get("/projects/shop/audit", event=event)["items"]) == 1


def test_many_make_keys_for_an_owner_nobody_named_before(api_on_both: Api) -> None:
    body = {"name": "robot", "owner": {"kind": "service", "name": "robot"}, "grants": [{"role": "owner"}]}

    assert _all_at_once(api_on_both, "/keys", body) == {201: PEOPLE}
