"""Rollbacks over HTTP while Temporal is down: they are accepted at once, and reserve the flag."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from activities.store.database import Database
from tests.activities.acting import act, put_back
from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, set_value, stage
from tests.world import World, world_of

RELEASES = "/projects/shop/releases"


class Shop:
    """The API and its database, in which the test does the work of a worker."""

    def __init__(self, api: Api, database: Database) -> None:
        self.api = api
        self.database = database
        api.make_project()
        api.publish(pipeline(stage("Development", actions=[enable(), set_value("one")]), stage("Production", "production", "1h")))
        api.publish(pipeline(stage("Development", actions=[enable(), set_value("one")]), key="short"))

    @property
    def world(self) -> World:
        return world_of(self.database)

    def completed(self) -> str:
        """Add a release and complete it."""
        release = str(self.api.add(pipeline="short")["id"])
        act(self.world, self.world.release(release))
        return release

    def in_production(self) -> str:
        """Add a release whose second stage is waiting."""
        release = str(self.api.add()["id"])
        act(self.world, self.world.release(release))
        return release

    def roll_back(self, release: str, **body: object) -> httpx.Response:
        return self.api.request("POST", f"{RELEASES}/{release}/rollback", body)

    def carry_out(self, release: str) -> None:
        put_back(self.world, self.world.release(release))


@pytest.fixture
def shop(api_on_both: Api, url_on_both: str) -> Iterator[Shop]:
    database = Database(url_on_both)
    yield Shop(api_on_both, database)
    database.close()


def test_rollback_is_accepted_at_once_and_shown(shop: Shop) -> None:
    release = shop.in_production()

    answer = shop.roll_back(release, reason="it fails", force=True, expected_stage="Production")

    assert answer.status_code == 202
    requested = answer.json()
    assert (requested["status"], requested["allowed"], requested["waiting_for"]["code"]) == ("rolling_back", ["remove"], "rolling_back")
    rollback = requested["rollback"]
    assert (rollback["n"], rollback["state"], rollback["by"], rollback["reason"]) == (1, "asked", "bootstrap", "it fails")
    assert (rollback["force"], rollback["to_stage"], rollback["done_at"], rollback["left_alone"]) == (True, None, None, [])
    assert rollback["workflow_id"] == requested["workflow_id"]
    [entry] = shop.api.get("/projects/shop/audit", event="release.rolling_back")["items"]
    assert (entry["release"], entry["reason"], entry["actor"]["owner"]) == (release, "it fails", "bootstrap")
    problem_of(shop.api.request("POST", RELEASES, {"feature": "checkout", "pipeline": "short"}), 409, "already_releasing")


def test_manual_changes_are_reported_and_left_alone(shop: Shop) -> None:
    release = shop.in_production()
    shop.api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    shop.roll_back(release)

    shop.carry_out(release)

    done = shop.api.release(release)
    assert (done["status"], done["waiting_for"], done["allowed"]) == ("rolled_back", None, [])
    left = {
        "environment": "development",
        "field": "value",
        "because": "changed_by_hand",
        "before": "classic",
        "after": "one",
        "now": "by hand",
    }
    assert done["rollback"]["left_alone"] == [left]
    assert [each["outcome"] for each in done["stages"]] == ["rolled_back", "rolled_back"]
    changes = [(visit["stage"], change["rolls_back"], change["after"]) for visit in done["history"] for change in visit["changes"]]
    assert changes == [("Development", False, {"enabled": True, "value": "one"}), ("Production", True, {"enabled": False})]
    development = shop.api.get("/projects/shop/features/checkout")["environments"]["development"]
    assert (development["enabled"], development["value"]) == (False, "by hand")


def test_rollback_to_a_stage_pauses_before_the_next(shop: Shop) -> None:
    release = shop.in_production()
    shop.roll_back(release, to_stage="development")

    shop.carry_out(release)

    back = shop.api.release(release)
    assert (back["status"], back["stage"], back["visit"]) == ("paused", "Production", 3)
    assert (back["paused"]["remaining"], back["paused"]["by"]) == ("PT1H", "bootstrap")
    assert "Paused by bootstrap" in back["waiting_for"]["message"]
    assert [each["outcome"] for each in back["stages"]] == ["acted", "pending"]


def test_completed_release_is_rolled_back_by_its_own_workflow_and_reserves_the_flag(shop: Shop) -> None:
    release = shop.completed()
    assert shop.api.release(release)["allowed"] == ["rollback"]

    requested = shop.roll_back(release).json()

    assert (requested["status"], requested["ended_at"]) == ("rolling_back", None)
    assert requested["rollback"]["workflow_id"] == f"release/shop/checkout/{release}/rollback/1"
    assert requested["rollback"]["temporal_url"].endswith("%2Frollback%2F1")
    assert shop.api.get("/projects/shop/features/checkout")["release"]["status"] == "rolling_back"
    shop.carry_out(release)
    assert shop.api.release(release)["status"] == "rolled_back"
    assert shop.api.add(pipeline="short")["status"] == "starting"


def test_exactly_one_of_a_rollback_and_a_new_release_wins(shop: Shop) -> None:
    release = shop.completed()
    with ThreadPoolExecutor(2) as clients:
        adding = clients.submit(shop.api.request, "POST", RELEASES, {"feature": "checkout", "pipeline": "short"})
        rolling = clients.submit(shop.roll_back, release)
        added, rolled = adding.result(), rolling.result()

    assert sorted([added.is_success, rolled.is_success]) == [False, True]
    if added.is_success:
        assert problem_of(rolled, 409, "released_since")["details"] == {"release": added.json()["id"]}
        assert shop.api.release(release)["status"] == "completed"
    else:
        assert problem_of(added, 409, "already_releasing")["details"]["release"] == release


def test_invalid_rollback_is_refused_and_changes_nothing(shop: Shop) -> None:
    release = shop.in_production()
    before = shop.api.release(release)

    wrong_stage = problem_of(shop.roll_back(release, to_stage="Production"), 422, "invalid")
    wrong_field = problem_of(shop.roll_back(release, to="Development"), 422, "invalid")
    moved = problem_of(shop.roll_back(release, expected_visit=1), 409, "stage_moved")
    unknown = problem_of(shop.roll_back("0192-none"), 404, "release_not_found")

    assert (pointers(wrong_stage), pointers(wrong_field)) == (["/to_stage"], ["/to"])
    assert moved["details"] == {"stage": "Production", "visit": 2, "step": 1}
    assert unknown["detail"]
    after = shop.api.release(release)
    assert {**after, "waiting_for": None} == {**before, "waiting_for": None}


@pytest.mark.parametrize("control", ["pause", "resume", "advance", "skip", "retry", "rollback"])
def test_release_that_is_rolling_back_can_only_be_removed(shop: Shop, control: str) -> None:
    release = shop.in_production()
    shop.roll_back(release)

    refused = problem_of(shop.api.request("POST", f"{RELEASES}/{release}/{control}", {}), 409, "control_not_allowed")

    assert refused["details"] == {"status": "rolling_back", "allowed": ["remove"]}
    assert shop.api.post(f"{RELEASES}/{release}/remove")["status"] == "removed"


def test_completed_release_is_not_rolled_back_to_a_stage(shop: Shop) -> None:
    release = shop.completed()

    nowhere = problem_of(shop.roll_back(release, to_stage="nope"), 422, "invalid")

    assert pointers(nowhere) == ["/to_stage"]
    assert shop.api.release(release)["status"] == "completed"


def test_remove_cancels_a_rollback(shop: Shop) -> None:
    release = shop.completed()
    shop.roll_back(release)

    removed = shop.api.post(f"{RELEASES}/{release}/remove", {"reason": "all is well"})

    assert (removed["status"], removed["rollback"]["state"]) == ("completed", "given_up")
    [entry] = shop.api.get("/projects/shop/audit", event="release.not_rolled_back")["items"]
    assert (entry["reason"], entry["actor"]["owner"]) == ("all is well", "bootstrap")


def test_rollback_requires_rights_on_the_changed_environments(shop: Shop) -> None:
    under_way = shop.in_production()
    grant = {"project": "shop", "role": "operator", "environments": ["development"]}
    dora = shop.api.make_key("dora", grant)

    refused = dora.request("POST", f"{RELEASES}/{under_way}/rollback", {})

    assert problem_of(refused, 403, "not_allowed")["details"] == {"environments": ["production"]}
    shop.api.post(f"{RELEASES}/{under_way}/remove")
    assert dora.request("POST", f"{RELEASES}/{under_way}/rollback", {}).status_code == 202


def test_preview_shows_the_effect_and_changes_nothing(shop: Shop) -> None:
    release = shop.in_production()
    shop.api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    before = shop.api.release(release)

    preview = shop.api.get(f"{RELEASES}/{release}/rollback")
    forced = shop.api.get(f"{RELEASES}/{release}/rollback", force=True, to_stage="Development")

    assert preview["puts_back"] == [{"environment": "development", "now": {"enabled": True}, "then": {"enabled": False}}]
    assert [(left["field"], left["now"], left["before"]) for left in preview["left_alone"]] == [("value", "by hand", "classic")]
    assert (preview["is_final"], forced["is_final"]) == (True, False)
    assert (forced["puts_back"], forced["left_alone"]) == ([], [])
    assert shop.api.release(release)["visit"] == before["visit"]


def test_preview_is_refused_if_the_rollback_would_be(shop: Shop) -> None:
    completed = shop.completed()
    later = shop.api.add(pipeline="short")["id"]
    dora = shop.api.make_key("dora", {"project": "shop", "role": "operator", "environments": ["staging"]})

    since = shop.api.request("GET", f"{RELEASES}/{completed}/rollback")
    not_theirs = dora.request("GET", f"{RELEASES}/{later}/rollback")

    problem_of(since, 409, "released_since")
    problem_of(not_theirs, 403, "not_allowed")
