"""Versions of pipelines over HTTP: cloned, and archived with their key."""

from typing import Any

from tests.api.answers import audit_log, pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, stage

PIPELINES = "/projects/shop/pipelines"
FIRST = pipeline(stage("Development"), stage("Production", "production", "1d"))
DOCUMENT = ("name", "description", "on_conflict", "stages")


def publish_second(api: Api) -> tuple[Any, Any]:
    """Publish two versions of one key."""
    first = api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")
    return first, api.post(f"{PIPELINES}/{draft['id']}/publish")


def test_clone_is_an_exact_copy_as_the_draft_of_the_next_version(api: Api) -> None:
    api.make_project()
    published = api.publish(FIRST | {"on_conflict": "overwrite", "description": "The usual way."})

    answer = api.request("POST", f"{PIPELINES}/standard/clone")

    draft = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, api.request("GET", f"{PIPELINES}/{draft['id']}").headers["etag"])
    assert (draft["key"], draft["version"], draft["status"], draft["published_by"]) == ("standard", 2, "draft", None)
    assert [draft[field] for field in DOCUMENT] == [published[field] for field in DOCUMENT]
    assert api.get(f"{PIPELINES}/{published['id']}") == published == api.get(f"{PIPELINES}/standard")
    entry = api.get("/projects/shop/audit", event="pipeline.cloned")["items"][0]
    assert entry["pipeline"] == "standard"
    assert entry["after"]["version"] == 2
    assert entry["after"]["cloned_from"] == {"id": published["id"], "key": "standard", "version": 1}


def test_clone_onto_a_new_key_is_a_new_pipeline(api: Api) -> None:
    api.make_project()
    first = api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/{first['id']}/clone", {"name": "Second"})
    api.post(f"{PIPELINES}/standard/archive")

    copies = [
        api.post(f"{PIPELINES}/{first['id']}/clone", {"key": "from-archived", "name": "Copy"}),
        api.post(f"{PIPELINES}/{draft['id']}/clone", {"key": "from-draft"}),
    ]

    assert [(each["key"], each["name"], each["version"], each["status"]) for each in copies] == [
        ("from-archived", "Copy", 1, "draft"),
        ("from-draft", "Second", 1, "draft"),
    ]
    assert api.post(f"{PIPELINES}/from-archived/publish")["status"] == "published"


def test_second_draft_of_a_key_is_refused_with_the_id_of_the_first(api: Api) -> None:
    api.make_project()
    only = api.post(PIPELINES, pipeline(stage("Development"), key="only-a-draft"))
    api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")

    for id_or_key, there in (("standard", draft), (draft["id"], draft), ("only-a-draft", only)):
        refused = problem_of(api.request("POST", f"{PIPELINES}/{id_or_key}/clone"), 409, "draft_exists")
        assert refused["details"] == {"draft": there["id"], "version": there["version"]}
        assert there["id"] in refused["detail"]
    assert api.request("DELETE", f"{PIPELINES}/{draft['id']}").status_code == 204
    assert api.post(f"{PIPELINES}/standard/clone")["version"] == 2


def test_clone_onto_its_own_key_is_the_next_version(api: Api) -> None:
    api.make_project()
    first, _ = publish_second(api)

    third = api.post(f"{PIPELINES}/standard/clone", {"key": "standard", "name": "Third"})
    api.post(f"{PIPELINES}/{third['id']}/publish")
    fourth = api.post(f"{PIPELINES}/{first['id']}/clone", {"key": "standard"})

    assert [(each["key"], each["version"], each["status"], each["name"]) for each in (third, fourth)] == [
        ("standard", 3, "draft", "Third"),
        ("standard", 4, "draft", first["name"]),
    ]
    refused = problem_of(api.request("POST", f"{PIPELINES}/standard/clone", {"key": "standard"}), 409, "draft_exists")
    assert refused["details"]["draft"] == fourth["id"]


def test_clone_of_an_archived_pipeline_onto_its_own_key_is_refused(api: Api) -> None:
    api.make_project()
    first, _ = publish_second(api)
    api.post(f"{PIPELINES}/standard/archive")

    for named in ("standard", first["id"]):
        problem_of(api.request("POST", f"{PIPELINES}/{named}/clone", {"key": "standard"}), 409, "pipeline_archived")


def test_clone_onto_another_existing_key_is_refused(api: Api) -> None:
    api.make_project()
    api.publish(FIRST)
    api.post(PIPELINES, pipeline(stage("Development"), key="other"))

    refused = api.request("POST", f"{PIPELINES}/standard/clone", {"key": "other"})

    assert pointers(problem_of(refused, 409, "conflict")) == ["/key"]
    problem_of(api.request("POST", f"{PIPELINES}/nothing/clone"), 404, "not_found")
    assert len(api.get(PIPELINES)["items"]) == 2


def test_key_names_the_draft_in_changes(api: Api) -> None:
    api.make_project()
    first = api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")

    replaced = api.request("PUT", f"{PIPELINES}/standard", pipeline(stage("Only"))).json()
    published = api.post(f"{PIPELINES}/standard/publish")

    assert replaced["id"] == published["id"] == draft["id"]
    assert [each["name"] for each in api.get(f"{PIPELINES}/standard")["stages"]] == ["Only"]
    assert api.get(f"{PIPELINES}/{first['id']}") == first
    problem_of(api.request("DELETE", f"{PIPELINES}/standard"), 409, "not_a_draft")


def test_later_version_keeps_its_key(api: Api) -> None:
    api.make_project()
    api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")
    path = f"{PIPELINES}/{draft['id']}"

    refused = problem_of(api.request("PUT", path, FIRST | {"key": "elsewhere"}), 409, "conflict")

    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [("/key", "belongs_to_its_key")]
    assert api.get(path) == draft


def test_release_uses_the_newest_or_the_given_version_and_stays_on_it(api: Api) -> None:
    api.make_project()
    api.post("/projects/shop/features", {"key": "search"})
    before = api.publish(FIRST)
    on_first = api.add()
    draft = api.post(f"{PIPELINES}/standard/clone")
    second = api.post(f"{PIPELINES}/{draft['id']}/publish")

    by_key = api.add("search")
    api.post(f"/projects/shop/releases/{by_key['id']}/remove")
    by_id = api.add("search", pipeline=before["id"])

    assert [each["pipeline"]["version"] for each in (on_first, by_key, by_id)] == [1, 2, 1]
    assert by_key["pipeline"]["id"] == second["id"]
    assert api.release(on_first["id"])["pipeline"] == on_first["pipeline"]


def test_archived_pipeline_accepts_no_releases_and_those_under_way_continue(api: Api) -> None:
    api.make_project()
    api.post("/projects/shop/features", {"key": "search"})
    first, second = publish_second(api)
    under_way = api.add()

    archived = api.post(f"{PIPELINES}/standard/archive")

    assert (archived["id"], archived["status"], archived["published_at"]) == (second["id"], "archived", second["published_at"])
    assert {each["status"] for each in api.get(PIPELINES)["items"]} == {"archived"}
    for named in ("standard", first["id"], second["id"]):
        refused = api.request("POST", "/projects/shop/releases", {"pipeline": named, "feature": "search"})
        problem = problem_of(refused, 409, "pipeline_archived")
        assert pointers(problem) == ["/pipeline"]
        assert "clone it onto a new key" in problem["detail"]
    assert api.release(under_way["id"]) == under_way


def test_archiving_twice_is_the_same_as_archiving_once(api: Api) -> None:
    api.make_project()
    first, _ = publish_second(api)
    once = api.post(f"{PIPELINES}/standard/archive")
    after_once = audit_log(api)

    assert api.post(f"{PIPELINES}/standard/archive") == once
    assert api.post(f"{PIPELINES}/{first['id']}/archive")["status"] == "archived"

    assert audit_log(api) == after_once
    entry = api.get("/projects/shop/audit", event="pipeline.archived")["items"][0]
    assert (entry["pipeline"], entry["after"]) == ("standard", {"versions": [1, 2]})


def test_draft_is_not_archived(api: Api) -> None:
    api.make_project()
    api.post(PIPELINES, pipeline(stage("Development"), key="only-a-draft"))
    api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")
    before = audit_log(api)

    for named in ("only-a-draft", draft["id"]):
        problem_of(api.request("POST", f"{PIPELINES}/{named}/archive"), 409, "not_published")

    assert audit_log(api) == before
    assert api.get(f"{PIPELINES}/standard")["status"] == "published"


def test_archived_pipeline_gets_no_new_version(api: Api) -> None:
    api.make_project()
    archived = api.publish(FIRST)
    draft = api.post(f"{PIPELINES}/standard/clone")
    api.post(f"{PIPELINES}/standard/archive")

    for refused in (
        api.request("POST", f"{PIPELINES}/{draft['id']}/publish"),
        api.request("POST", f"{PIPELINES}/standard/clone"),
        api.request("POST", f"{PIPELINES}/{draft['id']}/clone"),
    ):
        problem_of(refused, 409, "pipeline_archived")
    problem_of(api.request("PUT", f"{PIPELINES}/{archived['id']}", FIRST), 409, "not_a_draft")
    assert api.get(f"{PIPELINES}/{draft['id']}") == draft
    assert api.request("DELETE", f"{PIPELINES}/{draft['id']}").status_code == 204


def test_objects_used_only_by_archived_pipelines_can_be_deleted_after_their_releases(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Staff", "staging", actions=[enable("staff")])))
    release = api.add()
    api.post(f"{PIPELINES}/standard/archive")
    paths = ["/projects/shop/segments/staff", "/projects/shop/environments/staging"]

    for path in paths:
        used = problem_of(api.request("DELETE", path), 409, "in_use")
        assert used["details"]["used_by"] == [{"kind": "release", "id": release["id"], "feature": "checkout"}]
    api.post(f"/projects/shop/releases/{release['id']}/remove")

    assert [api.request("DELETE", path).status_code for path in paths] == [204, 204]
