"""The audit log over HTTP: who did what, when, and what changed."""

from datetime import datetime, timedelta

from tests.api.answers import problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage

AUDIT = "/projects/shop/audit"


def test_audit_entry_has_actor_event_and_changes(api: Api) -> None:
    api.make_project()
    olga = api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["production"]})

    olga.patch("/projects/shop/environments/production/features/checkout", {"value": "new"})

    [entry] = api.get(AUDIT, event="flag.changed")["items"]
    assert (entry["actor"]["kind"], entry["actor"]["owner"]) == ("key", "olga")
    assert (entry["project"], entry["environment"], entry["feature"]) == ("shop", "production", "checkout")
    assert (entry["before"], entry["after"]) == ({"value": "classic"}, {"value": "new"})
    assert entry["at"].endswith("Z")


def test_every_change_writes_exactly_one_audit_entry(api: Api) -> None:
    api.make_project()
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Development")))
    api.request("PUT", f"/projects/shop/pipelines/{draft['id']}", pipeline(stage("Other")))
    api.post(f"/projects/shop/pipelines/{draft['id']}/publish")
    release = api.add()
    api.post(f"/projects/shop/releases/{release['id']}/remove")
    api.patch("/projects/shop", {"name": "Shop"})
    api.patch("/projects/shop/environments/staging", {"name": "Staging"})
    api.patch("/projects/shop/segments/staff", {"name": "Staff"})
    api.patch("/projects/shop/features/checkout", {"name": "Checkout"})
    for path in ("features/checkout", "segments/staff", "environments/staging"):
        assert api.request("DELETE", f"/projects/shop/{path}").status_code == 204

    events = [entry["event"] for entry in api.get(AUDIT, limit=200)["items"]]

    assert events[::-1] == [
        "project.created",
        *["environment.created"] * 3,
        *["segment.created"] * 2,
        "feature.created",
        "pipeline.created",
        "pipeline.changed",
        "pipeline.published",
        "release.added",
        "release.removed",
        "project.changed",
        "environment.changed",
        "segment.changed",
        "feature.changed",
        "feature.deleted",
        "segment.deleted",
        "environment.deleted",
    ]


def test_audit_log_is_filtered_by_each_field(api_on_both: Api) -> None:
    api_on_both.make_project()
    olga = api_on_both.make_key("olga", {"project": "shop", "role": "admin"})
    olga.publish(pipeline(stage("Development"), stage("Production", "production")))
    release = olga.add(starting_stage="Production")
    olga.post(f"/projects/shop/releases/{release['id']}/remove")
    entries = api_on_both.get(AUDIT, limit=200)["items"]

    filters = {
        "event": "release.added",
        "environment": "production",
        "feature": "checkout",
        "segment": "staff",
        "pipeline": "standard",
        "release": release["id"],
        "stage": "Production",
    }
    for name, value in filters.items():
        expected = [entry["id"] for entry in entries if entry[name] == value]
        assert expected
        assert [entry["id"] for entry in api_on_both.get(AUDIT, **{name: value})["items"]] == expected, name
    by_olga = [entry["id"] for entry in entries if entry["actor"]["owner"] == "olga"]
    assert [entry["id"] for entry in api_on_both.get(AUDIT, owner="olga")["items"]] == by_olga
    assert len(by_olga) == 4


def test_audit_log_is_filtered_by_time_and_paged(api_on_both: Api) -> None:
    api_on_both.make_project()
    entries = api_on_both.get(AUDIT)["items"]
    middle = entries[3]["at"]
    after = (datetime.fromisoformat(middle) + timedelta(microseconds=1)).isoformat()

    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while len(pages) < 10:
        page = api_on_both.get(AUDIT, limit=3, **cursor)
        pages.append([entry["id"] for entry in page["items"]])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert [id_ for page in pages for id_ in page] == [entry["id"] for entry in entries]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert api_on_both.get(AUDIT, since=after)["items"] == entries[:3]
    assert api_on_both.get(AUDIT, until=after)["items"] == entries[3:]
    assert api_on_both.get(AUDIT, since=middle, until=after)["items"] == entries[3:4]


def test_audit_log_of_another_project_is_not_found(api: Api) -> None:
    api.make_project()
    api.post("/projects", {"key": "other"})
    viewer = api.make_key("vera", {"project": "other", "role": "viewer"})

    problem_of(viewer.request("GET", AUDIT), 404, "not_found")
    assert {entry["project"] for entry in viewer.get("/projects/other/audit")["items"]} == {"other"}
