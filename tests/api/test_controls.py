"""Controls over HTTP while Temporal is down: remove takes effect at once, and workflow controls return 503."""

from datetime import UTC, datetime

from activities.store.database import Database
from domain.releases.release import Blocked
from tests.api.answers import audit_log, problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage
from workflows.policies import UPDATE_TIMEOUT

RELEASES = "/projects/shop/releases"


def _added(api: Api) -> str:
    api.make_project()
    api.publish(pipeline(stage("Development"), stage("Production", "production")))
    return str(api.add()["id"])


def _block(database_url: str, release_id: str) -> None:
    database = Database(database_url)
    with database.transaction() as store:
        blocked = Blocked(code="right_missing", message="The right is gone.", since=datetime.now(UTC))
        store.releases.write(store.releases.get(release_id).blocked_by(blocked, "in a test"))
    database.close()


def test_remove_takes_effect_at_once_and_frees_the_flag(api_on_both: Api) -> None:
    first = _added(api_on_both)

    removed = api_on_both.post(f"{RELEASES}/{first}/remove", {"reason": "not this week"})
    second = api_on_both.add()

    assert (removed["status"], removed["waiting_for"], removed["allowed"]) == ("removed", None, ["rollback"])
    assert [each["outcome"] for each in removed["stages"]] == ["removed", "not_run"]
    assert removed["ended_at"] is not None
    assert second["id"] != first
    [entry] = api_on_both.get("/projects/shop/audit", event="release.removed")["items"]
    assert (entry["release"], entry["reason"], entry["actor"]["owner"]) == (first, "not this week", "bootstrap")


def test_remove_needs_no_body(api: Api) -> None:
    release = _added(api)

    assert api.request("POST", f"{RELEASES}/{release}/remove").json()["status"] == "removed"


def test_second_remove_is_refused_with_the_allowed_controls(api: Api) -> None:
    release = _added(api)
    api.post(f"{RELEASES}/{release}/remove")
    before = audit_log(api)

    refused = problem_of(api.request("POST", f"{RELEASES}/{release}/remove", {}), 409, "control_not_allowed")

    assert refused["details"] == {"status": "removed", "allowed": ["rollback"]}
    assert audit_log(api) == before


def test_remove_is_refused_if_the_release_has_moved_on(api: Api) -> None:
    release = _added(api)

    for expected in (
        {"expected_stage": "Production"},
        {"expected_visit": 2},
        {"expected_step": 2},
        {"expected_visit": 7, "expected_step": 1},
    ):
        refused = problem_of(api.request("POST", f"{RELEASES}/{release}/remove", expected), 409, "stage_moved")
        assert refused["details"] == {"stage": "Development", "visit": 1, "step": 1}

    assert api.release(release)["status"] == "starting"
    position = {"expected_stage": "development", "expected_visit": 1, "expected_step": 1}
    assert api.post(f"{RELEASES}/{release}/remove", position)["status"] == "removed"


def test_retry_returns_503_within_bounded_time_while_temporal_is_down(api: Api, shared_sqlite: str) -> None:
    release = _added(api)
    _block(shared_sqlite, release)

    answer = api.request("POST", f"{RELEASES}/{release}/retry", {}, headers={"Idempotency-Key": "try-1"})

    assert answer.elapsed < 2 * UPDATE_TIMEOUT, "the control has a time limit, and only the answer's own way comes on top"
    assert "Idempotency-Key" in problem_of(answer, 503, "temporal_unavailable")["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert api.release(release)["status"] == "blocked"


def test_blocked_release_shows_reason_and_controls_and_can_be_removed(api: Api, shared_sqlite: str) -> None:
    release = _added(api)
    _block(shared_sqlite, release)

    blocked = api.release(release)
    removed = api.post(f"{RELEASES}/{release}/remove")

    allowed = ["skip", "retry", "restart", "rollback", "remove"]
    assert (blocked["blocked_by"]["code"], blocked["blocked_by"]["allowed"]) == ("right_missing", allowed)
    assert blocked["waiting_for"]["code"] == "decision"
    assert (removed["status"], removed["blocked_by"]) == ("removed", None)


def test_retry_of_a_release_that_is_not_blocked_is_refused(api: Api) -> None:
    release = _added(api)

    refused = problem_of(api.request("POST", f"{RELEASES}/{release}/retry", {}), 409, "control_not_allowed")

    assert refused["details"] == {"status": "starting", "allowed": ["pause", "rollback", "remove"]}


def test_retry_of_a_finished_release_is_refused(api: Api) -> None:
    release = _added(api)
    api.post(f"{RELEASES}/{release}/remove")

    problem_of(api.request("POST", f"{RELEASES}/{release}/retry", {}), 409, "control_not_allowed")


def test_unknown_release_is_not_found(api: Api) -> None:
    _added(api)

    for control in ("remove", "pause", "resume", "advance", "skip", "retry"):
        problem_of(api.request("POST", f"{RELEASES}/0192-none/{control}", {}), 404, "release_not_found")


def test_everything_but_workflow_controls_works_while_temporal_is_down(api: Api) -> None:
    release = _added(api)

    assert api.request("GET", RELEASES).status_code == 200
    assert api.release(release)["waiting_for"]["message"]
    assert api.patch("/projects/shop/environments/staging/features/checkout", {"enabled": True})["warnings"] != []
