"""Pipelines over HTTP: drafts, and published versions, which are immutable."""

from tests.api.answers import audit_log, pointers, problem_of
from tests.completed import complete_many
from tests.http import Api
from tests.pipelines import enable, hold, pipeline, set_value, stage

PIPELINES = "/projects/shop/pipelines"


def test_draft_is_replaced_as_a_whole_and_deleted(api: Api) -> None:
    api.make_project()
    draft = api.post(PIPELINES, pipeline(stage("Development"), hold("Watch", "2d"), description="first"))

    replaced = api.request("PUT", f"{PIPELINES}/{draft['id']}", pipeline(stage("Other"))).json()

    assert (draft["version"], draft["status"], draft["published_at"]) == (1, "draft", None)
    assert [each["name"] for each in replaced["stages"]] == ["Other"]
    assert replaced["description"] == ""
    assert api.request("DELETE", f"{PIPELINES}/{draft['id']}").status_code == 204
    problem_of(api.request("GET", f"{PIPELINES}/{draft['id']}"), 404, "not_found")


def test_draft_may_be_incomplete_until_it_is_published(api: Api) -> None:
    api.make_project()
    draft = api.post(PIPELINES, {"key": "empty", "name": "Empty"})

    refused = api.request("POST", f"{PIPELINES}/{draft['id']}/publish")

    assert pointers(problem_of(refused, 422, "publishing_refused")) == ["/stages"]
    assert api.get(f"{PIPELINES}/{draft['id']}")["status"] == "draft"


def test_publishing_records_who_and_when(api: Api) -> None:
    api.make_project()
    admin = api.make_key("ada", {"project": "shop", "role": "admin"})
    draft = admin.post(PIPELINES, pipeline(stage("Development")))

    published = admin.post(f"{PIPELINES}/{draft['id']}/publish")

    assert (published["status"], published["published_by"]) == ("published", "ada")
    assert published["published_at"].endswith("Z")


def test_published_version_cannot_be_changed(api: Api) -> None:
    api.make_project()
    published = api.publish(pipeline(stage("Development")))
    path, before = f"{PIPELINES}/{published['id']}", audit_log(api)

    replaced = api.request("PUT", path, pipeline(stage("Other")))
    deleted = api.request("DELETE", path)
    again = api.request("POST", f"{path}/publish")

    for answer in (replaced, deleted, again):
        problem_of(answer, 409, "not_a_draft")
    assert api.get(path) == published
    assert audit_log(api) == before


def test_publishing_lists_every_problem_at_once(api: Api) -> None:
    api.make_project()
    draft = api.post(
        PIPELINES,
        pipeline(
            stage("One", "moon"),
            stage("one", actions=[]),
            stage("Three", wait="0s", actions=[enable("nobody"), enable("nobody")]),
            stage("Four", actions=[set_value("text"), set_value(5, "staff")]),
        ),
    )

    refused = problem_of(api.request("POST", f"{PIPELINES}/{draft['id']}/publish"), 422, "publishing_refused")

    assert sorted((each["pointer"], each["code"]) for each in refused["errors"]) == [
        ("/stages/0/environment", "no_such_environment"),
        ("/stages/1", "does_nothing"),
        ("/stages/1/name", "name_used_twice"),
        ("/stages/2/actions/0/segment", "no_such_segment"),
        ("/stages/2/actions/1", "contradiction"),
        ("/stages/2/actions/1/segment", "no_such_segment"),
        ("/stages/2/trigger/duration", "wait_not_positive"),
        ("/stages/3/actions/1/value", "value_type"),
    ]


def test_probable_mistakes_are_warnings(api: Api) -> None:
    api.make_project()

    published = api.publish(pipeline(stage("Staff", actions=[enable("staff")]), stage("All", actions=[enable(enabled=False)])))

    assert [(each["pointer"], each["code"]) for each in published["warnings"]] == [
        ("/stages/1/trigger", "no_wait_between"),
        ("/stages/1", "override_outlives"),
    ]


def test_stale_draft_is_not_replaced_published_or_deleted(api: Api) -> None:
    api.make_project()
    created = api.request("POST", PIPELINES, pipeline(stage("Mine")))
    path, etag = f"{PIPELINES}/{created.json()['id']}", {"If-Match": created.headers["etag"]}
    replaced = api.request("PUT", path, pipeline(stage("Theirs")), headers=etag)

    answers = [
        api.request("PUT", path, pipeline(stage("Mine again")), headers=etag),
        api.request("POST", f"{path}/publish", headers=etag),
        api.request("DELETE", path, headers=etag),
    ]

    for answer in answers:
        problem_of(answer, 412, "draft_changed")
    assert api.get(path)["stages"][0]["name"] == "Theirs"
    assert replaced.headers["etag"] == api.request("GET", path).headers["etag"] != created.headers["etag"]
    assert api.request("POST", f"{path}/publish", headers={"If-Match": replaced.headers["etag"]}).status_code == 200


def test_pipeline_has_up_to_thirty_stages(api: Api) -> None:
    api.make_project()

    published = api.publish(pipeline(*[stage(f"Stage {number}", wait="1h") for number in range(30)]))

    assert len(published["stages"]) == 30


def test_definition_larger_than_64_kib_is_refused(api: Api) -> None:
    api.make_project()
    large = pipeline(*[stage(f"Stage {number}", wait="1h", actions=[set_value("x" * 3_000)]) for number in range(25)])

    answer = api.request("POST", PIPELINES, large)

    assert problem_of(answer, 422, "invalid")["errors"][0]["code"] == "definition_too_large"
    assert api.get(PIPELINES)["items"] == []


def test_existing_key_is_refused(api: Api) -> None:
    api.make_project()
    api.post(PIPELINES, pipeline(stage("Development"), key="one"))
    two = api.post(PIPELINES, pipeline(stage("Development"), key="two"))

    for answer in (
        api.request("POST", PIPELINES, pipeline(stage("Development"), key="one")),
        api.request("PUT", f"{PIPELINES}/{two['id']}", pipeline(stage("Development"), key="one")),
    ):
        assert pointers(problem_of(answer, 409, "conflict")) == ["/key"]


def test_pipeline_shows_the_flags_in_each_stage(api: Api) -> None:
    api.make_project()
    published = api.publish(pipeline(stage("Development"), stage("Production", "production", "1h")))
    release = api.add(starting_stage="production")

    shown, listed = api.get(f"{PIPELINES}/standard"), api.get(PIPELINES)["items"][0]

    assert shown["id"] == published["id"]
    assert [(each["stage"], each["count"]) for each in shown["flags"]] == [("Development", 0), ("Production", 1)]
    assert [(each["release"], each["feature"]) for each in shown["flags"][1]["flags"]] == [(release["id"], "checkout")]
    assert shown["releases"] == listed["releases"] == {"starting": 1}
    assert (shown["completed_count"], shown["completed"]) == (0, [])


def test_pipeline_counts_recently_completed_flags_and_lists_the_latest(api: Api, shared_sqlite: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    complete_many(api, shared_sqlite, 52)

    shown, listed = api.get(f"{PIPELINES}/standard"), api.get(PIPELINES)["items"][0]

    assert shown["completed_count"] == 52
    assert [each["feature"] for each in shown["completed"]] == [f"flag-{number}" for number in range(50)]
    assert shown["releases"] == listed["releases"] == {"completed": 53}
