"""The system status while Temporal is down."""

from datetime import UTC, datetime

from api.app import VERSION
from api.schemas.system import system_view
from domain.system import Lateness, TemporalStatus, WorkerSeen
from tests.http import Api
from tests.overdue import make_overdue
from tests.pipelines import pipeline, stage
from workflows.policies import RPC_TIMEOUT


def test_status_reports_an_outage_quickly(api: Api) -> None:
    answer = api.request("GET", "/status")

    status = answer.json()
    assert answer.elapsed < RPC_TIMEOUT, "it waits for less than any other call to Temporal"
    assert (status["condition"], status["temporal"], status["database"]) == ("temporal_unavailable", "unreachable", "reachable")
    assert status["summary"].startswith("An outage: Temporal can't be reached")
    assert status["versions"] == {"flaghoist": VERSION, "temporal": None}
    assert (status["workers"], status["overdue_releases"], status["worst_lateness"]) == ([], 0, "PT0S")


def test_status_contains_counts_and_no_names_of_releases(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    api.post("/projects", {"key": "elsewhere"})
    api.publish(pipeline(stage("Development")))
    release = api.add()
    make_overdue(sqlite_of_the_room, release["id"])
    stranger = api.make_key("vera", {"project": "elsewhere", "role": "viewer"})

    status = stranger.get("/status")

    assert status["overdue_releases"] == 1
    assert status["worst_lateness"].startswith("PT2M")
    assert "1 release is overdue, by up to 2 min" in status["summary"]
    assert not any(secret in str(status) for secret in ("shop", "checkout", release["id"]))


def test_worker_identities_are_visible_to_owners_only() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    seen = TemporalStatus(reachable=True, workers=(WorkerSeen(identity="4711@build-host", seen_at=at),))

    to_owners, to_others = (system_view(VERSION, seen, Lateness(), at, names_workers=named).model_dump_json() for named in (True, False))

    assert "4711@build-host" in to_owners
    assert "build-host" not in to_others
    assert '"identity":null,"seen_at":"2026-03-02T00:00:00Z","at_work":true' in to_others
