"""The metrics of an API process."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from activities.store.database import Database
from api.request_middleware import UNMATCHED
from domain.releases.status import ReleaseStatus
from tests.api.answers import problem_of
from tests.conftest import serve
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.ports import free_port
from tests.postgresql import DatabaseSwitch
from tests.prometheus import Scrape
from tests.world import NOW, make_world

DOCUMENTATION = "/docs"
"""The one route that is not described. Other tests on the same server may have called it."""

GET_RELEASE = "/api/v1/projects/{project}/releases/{release}"


def test_requests_are_counted_by_route_template(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()["id"]
    before = Scrape(api.address)

    for _ in range(3):
        api.release(release)
    api.request("GET", "/projects/shop/releases/no-such-release")
    api.request("GET", "/nowhere/at-all")
    api.request("BREW", "/projects")

    after = Scrape(api.address)
    labels = {"method": "GET", "route": GET_RELEASE}
    for status, more in (("200", 3), ("404", 1)):
        counted = [each.value("flaghoist_http_requests_total", **labels, status=status) or 0 for each in (before, after)]
        assert counted[1] - counted[0] == more
    timed = [each.value("flaghoist_http_request_seconds_count", **labels) or 0 for each in (before, after)]
    assert timed[1] - timed[0] == 4
    assert after.value("flaghoist_http_requests_total", route=UNMATCHED, method="GET", status="404")
    assert after.value("flaghoist_http_requests_total", method="(other)")
    for sent in ("shop", release, "nowhere", "no-such-release", "BREW"):
        assert sent not in after.text


def test_every_route_template_is_a_path_of_the_openapi_document(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for api in serve(sqlite_url):
        api.get("/projects")
        api.request("DELETE", "/projects/none/releases/none")

        routes = Scrape(api.address).labels("flaghoist_http_requests_total", "route") - {UNMATCHED, DOCUMENTATION}

        described = set(api.get(f"{api.address}/openapi.json")["paths"])
    assert {"/readyz", "/api/v1/projects"} <= routes <= described


def test_refusals_are_counted_by_code(api: Api) -> None:
    before = Scrape(api.address).value("flaghoist_http_refusals_total", code="body_too_large") or 0

    problem_of(api.request("POST", "/projects", {"key": "x" * 300_000}), 413, "body_too_large")

    scrape = Scrape(api.address)
    assert scrape.value("flaghoist_http_refusals_total", code="body_too_large") == before + 1
    assert scrape.value("flaghoist_http_requests_total", route=UNMATCHED, status="413", method="POST")


def test_releases_are_counted_by_status_and_lateness(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    world = make_world(database)
    world.publish(pipeline(stage("Development", wait="1h")))
    now = datetime.now(UTC)
    releases = {"late": ("running", now - timedelta(minutes=10)), "due": ("running", now), "blocked": ("blocked", None)}
    for feature in (*releases, "starting", "completed"):
        world.add_feature(feature)
        world.add(feature)
    with database.transaction() as store:
        for feature, (status, acts_at) in {**releases, "completed": ("completed", None)}.items():
            statement = "UPDATE releases SET status = :status WHERE feature_id = (SELECT id FROM features WHERE key = :feature)"
            store.connection.execute(text(statement), {"status": status, "feature": feature})
            if acts_at:
                statement = "UPDATE releases SET acts_at = :at WHERE feature_id = (SELECT id FROM features WHERE key = :feature)"
                store.connection.execute(text(statement), {"at": acts_at, "feature": feature})

    for api in serve(database_url):
        scrape = Scrape(api.address)

    counted = {status.value: scrape.value("flaghoist_releases", status=status.value) for status in ReleaseStatus}
    expected = {"running": 2, "blocked": 1, "completed": 1, "starting": 1}
    assert counted == dict.fromkeys(ReleaseStatus, 0) | expected
    assert scrape.value("flaghoist_releases_overdue") == 2, "one is late, and one has never been started"
    late = scrape.value("flaghoist_worst_lateness_seconds")
    assert late is not None
    assert 0 <= late - (now - NOW).total_seconds() < 60
    assert scrape.value("flaghoist_database_reachable") == 1


def test_metrics_need_no_key_and_are_separate_for_each_application(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for one in serve(sqlite_url):
        for other in serve(sqlite_url):
            one.get("/projects")
            scrapes = [Scrape(one.address), Scrape(other.address)]

    projects = {"route": "/api/v1/projects", "status": "200"}
    assert [each.value("flaghoist_http_requests_total", **projects) for each in scrapes] == [1, None]
    assert scrapes[0].answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_metrics_report_a_database_outage(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for api in serve(postgresql_url):
        with DatabaseSwitch(postgresql_url).outage():
            scrape = Scrape(api.address)

    assert scrape.answer.status_code == 200
    assert scrape.value("flaghoist_database_reachable") == 0
    assert scrape.value("flaghoist_releases_overdue") is None
    assert scrape.value("flaghoist_http_requests_total", route="/readyz", status="200")
