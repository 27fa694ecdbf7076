"""Adding flags to pipelines over HTTP, and reading their releases."""

from datetime import datetime, timedelta

from tests.api.answers import audit_log, pointers, problem_of
from tests.http import Api
from tests.pipelines import hold, pipeline, set_value, stage

RELEASES = "/projects/shop/releases"


def _shop(api: Api) -> None:
    api.make_project()
    api.publish(
        pipeline(stage("Development"), stage("Staging", "staging", "1h"), stage("Production", "production", "1d"), hold("Watch", "2d"))
    )


def test_flag_is_added_while_temporal_is_down(api_on_both: Api) -> None:
    _shop(api_on_both)

    added = api_on_both.request("POST", RELEASES, {"pipeline": "standard", "feature": "checkout"})

    release = added.json()
    assert added.status_code == 201
    assert (release["status"], release["stage"], release["stage_index"], release["visit"]) == ("starting", "Development", 0, 1)
    assert [each["outcome"] for each in release["stages"]] == ["pending"] * 4
    assert release["waiting_for"]["code"] == "starting"
    assert release["workflow_id"] == f"release/shop/checkout/{release['id']}"
    assert release["temporal_url"].endswith(f"/workflows/release%2Fshop%2Fcheckout%2F{release['id']}")
    assert api_on_both.release(release["id"])["added_at"] == release["added_at"]


def test_second_release_of_a_flag_is_refused_with_the_id_of_the_first(api: Api) -> None:
    _shop(api)
    first = api.add()
    before = audit_log(api)

    refused = problem_of(api.request("POST", RELEASES, {"pipeline": "standard", "feature": "checkout"}), 409, "already_releasing")

    assert refused["details"] == {"release": first["id"], "pipeline": "standard"}
    assert first["id"] in refused["detail"]
    assert audit_log(api) == before
    assert [each["id"] for each in api.get(RELEASES)["items"]] == [first["id"]]


def test_ended_release_allows_rollback_until_a_newer_release_exists(api_on_both: Api) -> None:
    _shop(api_on_both)
    first = api_on_both.add()["id"]
    ended = api_on_both.post(f"{RELEASES}/{first}/remove")
    second = api_on_both.add()["id"]

    assert ended["allowed"] == ["rollback"]
    assert api_on_both.release(first)["allowed"] == []
    listed = {each["id"]: each["allowed"] for each in api_on_both.get(RELEASES)["items"]}
    assert listed == {first: [], second: ["pause", "rollback", "remove"]}
    problem_of(api_on_both.request("POST", f"{RELEASES}/{first}/rollback", {}), 409, "released_since")


def test_stages_before_the_starting_stage_are_not_run(api: Api) -> None:
    _shop(api)

    release = api.add(starting_stage="PRODUCTION")

    assert (release["stage"], release["stage_index"]) == ("Production", 2)
    assert [each["outcome"] for each in release["stages"]] == ["not_run", "not_run", "pending", "pending"]
    assert [(visit["visit"], visit["stage"]) for visit in release["history"]] == [(1, "Production")]


def test_unknown_stage_is_refused_with_the_existing_ones(api: Api) -> None:
    _shop(api)

    answer = api.request("POST", RELEASES, {"pipeline": "standard", "feature": "checkout", "starting_stage": "Moon"})

    assert pointers(problem_of(answer, 422, "invalid")) == ["/starting_stage"]
    assert "'Staging'" in answer.json()["detail"]
    assert api.get(RELEASES)["items"] == []


def test_draft_accepts_no_release_by_key_or_by_id(api: Api) -> None:
    api.make_project()
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Development")))

    for name in ("standard", draft["id"]):
        answer = api.request("POST", RELEASES, {"pipeline": name, "feature": "checkout"})
        assert pointers(problem_of(answer, 409, "not_published")) == ["/pipeline"]


def test_flag_of_a_type_that_the_pipeline_does_not_fit_is_refused(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Number", actions=[set_value(5)]), stage("Later", "staging")))

    answer = api.request("POST", RELEASES, {"pipeline": "standard", "feature": "checkout"})

    assert pointers(problem_of(answer, 422, "value_type_wrong")) == ["/feature"]
    assert api.add(starting_stage="Later")["status"] == "starting"


def test_release_takes_on_conflict_from_the_request_or_the_pipeline(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development"), on_conflict="overwrite"))

    as_published = api.add()
    api.post(f"{RELEASES}/{as_published['id']}/remove")
    as_requested = api.add(on_conflict="block")

    assert (as_published["on_conflict"], as_requested["on_conflict"]) == ("overwrite", "block")


def test_releases_are_listed_newest_first_in_pages(api_on_both: Api) -> None:
    _shop(api_on_both)
    added = []
    for number in range(5):
        api_on_both.post("/projects/shop/features", {"key": f"flag-{number}"})
        added.append(api_on_both.add(f"flag-{number}")["id"])

    first = api_on_both.get(RELEASES, limit=2)
    second = api_on_both.get(RELEASES, limit=2, cursor=first["next"])
    third = api_on_both.get(RELEASES, limit=2, cursor=second["next"])

    pages = [[each["id"] for each in page["items"]] for page in (first, second, third)]
    assert pages == [added[:2:-1], added[2:0:-1], added[:1]]
    assert third["next"] is None


def test_releases_are_filtered_by_each_field(api_on_both: Api) -> None:
    _shop(api_on_both)
    olga = api_on_both.make_key("olga", {"project": "shop", "role": "operator", "environments": ["*"]})
    api_on_both.post("/projects/shop/features", {"key": "banner"})
    other = api_on_both.publish(pipeline(stage("Only"), key="other"))
    checkout = api_on_both.add(starting_stage="Staging")
    banner = olga.add("banner", "other")
    api_on_both.post(f"{RELEASES}/{checkout['id']}/remove")
    between = datetime.fromisoformat(checkout["added_at"]) + timedelta(microseconds=1)

    filters = {
        "pipeline": ("standard", "other"),
        "feature": ("checkout", "banner"),
        "environment": ("staging", "development"),
        "stage": ("Staging", "Only"),
        "status": ("removed", "starting"),
        "added_by": ("bootstrap", "olga"),
    }
    for name, (of_checkout, of_banner) in filters.items():
        assert [each["id"] for each in api_on_both.get(RELEASES, **{name: of_checkout})["items"]] == [checkout["id"]], name
        assert [each["id"] for each in api_on_both.get(RELEASES, **{name: of_banner})["items"]] == [banner["id"]], name
    assert [each["id"] for each in api_on_both.get(RELEASES, pipeline=other["id"])["items"]] == [banner["id"]]
    assert [each["id"] for each in api_on_both.get(RELEASES, since=between.isoformat())["items"]] == [banner["id"]]
    assert [each["id"] for each in api_on_both.get(RELEASES, until=between.isoformat())["items"]] == [checkout["id"]]
    assert api_on_both.get(RELEASES, pipeline="standard", feature="banner")["items"] == []
