"""Rolling back over HTTP while Temporal is down: it is taken at once, and holds the flag."""

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


class Place:
    """The API, and the database behind it, in which a worker's part is done by hand."""

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
        """A release that has come to its end."""
        release = str(self.api.add(pipeline="short")["id"])
        act(self.world, self.world.release(release))
        return release

    def in_production(self) -> str:
        """A release whose second stage waits."""
        release = str(self.api.add()["id"])
        act(self.world, self.world.release(release))
        return release

    def roll_back(self, release: str, **body: object) -> httpx.Response:
        return self.api.request("POST", f"{RELEASES}/{release}/rollback", body)

    def carry_out(self, release: str) -> None:
        put_back(self.world, self.world.release(release))


@pytest.fixture
def place(api_on_both: Api, url_on_both: str) -> Iterator[Place]:
    database = Database(url_on_both)
    yield Place(api_on_both, database)
    database.close()


def test_it_is_taken_at_once_and_the_answer_says_what_was_asked(place: Place) -> None:
    release = place.in_production()

    answer = place.roll_back(release, reason="it fails", force=True, expected_stage="Production")

    assert answer.status_code == 202
    asked = answer.json()
    assert (asked["status"], asked["allowed"], asked["waiting_for"]["code"]) == ("rolling_back", ["remove"], "rolling_back")
    rollback = asked["rollback"]
    assert (rollback["n"], rollback["state"], rollback["by"], rollback["reason"]) == (1, "asked", "bootstrap", "it fails")
    assert (rollback["force"], rollback["to_stage"], rollback["done_at"], rollback["left_alone"]) == (True, None, None, [])
    assert rollback["workflow_id"] == asked["workflow_id"]
    [entry] = place.api.get("/projects/shop/audit", event="release.rolling_back")["items"]
    assert (entry["release"], entry["reason"], entry["actor"]["owner"]) == (release, "it fails", "bootstrap")
    problem_of(place.api.request("POST", RELEASES, {"feature": "checkout", "pipeline": "short"}), 409, "already_releasing")


def test_what_somebody_changed_by_hand_is_reported_and_left(place: Place) -> None:
    release = place.in_production()
    place.api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    place.roll_back(release)

    place.carry_out(release)

    done = place.api.release(release)
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
    development = place.api.get("/projects/shop/features/checkout")["environments"]["development"]
    assert (development["enabled"], development["value"]) == (False, "by hand")


def test_back_to_a_stage_it_waits_paused_before_the_next(place: Place) -> None:
    release = place.in_production()
    place.roll_back(release, to_stage="development")

    place.carry_out(release)

    back = place.api.release(release)
    assert (back["status"], back["stage"], back["visit"]) == ("paused", "Production", 3)
    assert (back["paused"]["remaining"], back["paused"]["by"]) == ("PT1H", "bootstrap")
    assert "Paused by bootstrap" in back["waiting_for"]["message"]
    assert [each["outcome"] for each in back["stages"]] == ["acted", "pending"]


def test_one_that_completed_is_rolled_back_by_a_workflow_of_its_own_and_keeps_the_flag_meanwhile(place: Place) -> None:
    release = place.completed()
    assert place.api.release(release)["allowed"] == ["rollback"]

    asked = place.roll_back(release).json()

    assert (asked["status"], asked["ended_at"]) == ("rolling_back", None)
    assert asked["rollback"]["workflow_id"] == f"release/shop/checkout/{release}/rollback/1"
    assert asked["rollback"]["temporal_url"].endswith("%2Frollback%2F1")
    assert place.api.get("/projects/shop/features/checkout")["release"]["status"] == "rolling_back"
    place.carry_out(release)
    assert place.api.release(release)["status"] == "rolled_back"
    assert place.api.add(pipeline="short")["status"] == "starting"


def test_a_rollback_of_a_completed_release_races_a_new_add_and_exactly_one_wins(place: Place) -> None:
    release = place.completed()
    with ThreadPoolExecutor(2) as people:
        adding = people.submit(place.api.request, "POST", RELEASES, {"feature": "checkout", "pipeline": "short"})
        rolling = people.submit(place.roll_back, release)
        added, rolled = adding.result(), rolling.result()

    assert sorted([added.is_success, rolled.is_success]) == [False, True]
    if added.is_success:
        assert problem_of(rolled, 409, "released_since")["details"] == {"release": added.json()["id"]}
        assert place.api.release(release)["status"] == "completed"
    else:
        assert problem_of(added, 409, "already_releasing")["details"]["release"] == release


def test_a_rollback_that_makes_no_sense_is_refused_and_changes_nothing(place: Place) -> None:
    release = place.in_production()
    before = place.api.release(release)

    wrong_stage = problem_of(place.roll_back(release, to_stage="Production"), 422, "invalid")
    wrong_field = problem_of(place.roll_back(release, to="Development"), 422, "invalid")
    moved = problem_of(place.roll_back(release, expected_visit=1), 409, "stage_moved")
    unknown = problem_of(place.roll_back("0192-none"), 404, "release_not_found")

    assert (pointers(wrong_stage), pointers(wrong_field)) == (["/to_stage"], ["/to"])
    assert moved["details"] == {"stage": "Production", "visit": 2}
    assert unknown["detail"]
    after = place.api.release(release)
    assert {**after, "waiting_for": None} == {**before, "waiting_for": None}


@pytest.mark.parametrize("control", ["pause", "resume", "advance", "skip", "retry", "rollback"])
def test_while_it_is_rolled_back_it_can_only_be_removed(place: Place, control: str) -> None:
    release = place.in_production()
    place.roll_back(release)

    refused = problem_of(place.api.request("POST", f"{RELEASES}/{release}/{control}", {}), 409, "control_not_allowed")

    assert refused["details"] == {"status": "rolling_back", "allowed": ["remove"]}
    assert place.api.post(f"{RELEASES}/{release}/remove")["status"] == "removed"


def test_one_that_completed_goes_back_to_no_stage(place: Place) -> None:
    release = place.completed()

    nowhere = problem_of(place.roll_back(release, to_stage="nope"), 422, "invalid")

    assert pointers(nowhere) == ["/to_stage"]
    assert place.api.release(release)["status"] == "completed"


def test_a_removal_calls_it_off(place: Place) -> None:
    release = place.completed()
    place.roll_back(release)

    called_off = place.api.post(f"{RELEASES}/{release}/remove", {"reason": "all is well"})

    assert (called_off["status"], called_off["rollback"]["state"]) == ("completed", "given_up")
    [entry] = place.api.get("/projects/shop/audit", event="release.not_rolled_back")["items"]
    assert (entry["reason"], entry["actor"]["owner"]) == ("all is well", "bootstrap")


def test_who_may_not_touch_production_rolls_back_only_what_was_done_elsewhere(place: Place) -> None:
    under_way = place.in_production()
    grant = {"project": "shop", "role": "operator", "environments": ["development"]}
    dora = place.api.make_key("dora", grant)

    refused = dora.request("POST", f"{RELEASES}/{under_way}/rollback", {})

    assert problem_of(refused, 403, "not_allowed")["details"] == {"environments": ["production"]}
    place.api.post(f"{RELEASES}/{under_way}/remove")
    assert dora.request("POST", f"{RELEASES}/{under_way}/rollback", {}).status_code == 202


def test_what_it_would_do_can_be_seen_before_and_changes_nothing(place: Place) -> None:
    release = place.in_production()
    place.api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    before = place.api.release(release)

    foreseen = place.api.get(f"{RELEASES}/{release}/rollback")
    forced = place.api.get(f"{RELEASES}/{release}/rollback", force=True, to_stage="Development")

    assert foreseen["puts_back"] == [{"environment": "development", "now": {"enabled": True}, "then": {"enabled": False}}]
    assert [(left["field"], left["now"], left["before"]) for left in foreseen["left_alone"]] == [("value", "by hand", "classic")]
    assert (foreseen["is_final"], forced["is_final"]) == (True, False)
    assert (forced["puts_back"], forced["left_alone"]) == ([], [])
    assert place.api.release(release)["visit"] == before["visit"]


def test_what_would_be_refused_is_not_foreseen(place: Place) -> None:
    completed = place.completed()
    later = place.api.add(pipeline="short")["id"]
    dora = place.api.make_key("dora", {"project": "shop", "role": "operator", "environments": ["staging"]})

    since = place.api.request("GET", f"{RELEASES}/{completed}/rollback")
    not_theirs = dora.request("GET", f"{RELEASES}/{later}/rollback")

    problem_of(since, 409, "released_since")
    problem_of(not_theirs, 403, "not_allowed")
