"""The reasons why a release is not moving, while Temporal is down."""

from datetime import timedelta

from tests.http import Api
from tests.overdue import make_overdue
from tests.pipelines import pipeline, stage
from workflows.policies import RPC_TIMEOUT


def test_overdue_release_quickly_shows_that_it_waits_for_temporal(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()["id"]
    make_overdue(sqlite_of_the_room, release)

    answers = [api.request("GET", path) for path in (f"/projects/shop/releases/{release}", "/projects/shop/releases")]

    alone, [listed] = answers[0].json()["waiting_for"], answers[1].json()["items"]
    assert max(answer.elapsed for answer in answers) < RPC_TIMEOUT, "they wait for less than any other call to Temporal"
    assert listed["waiting_for"] == alone
    assert (alone["code"], alone["until"]) == ("unavailable", None)
    assert "Temporal can't be reached" in alone["message"]


def test_release_that_is_slightly_late_is_about_to_act(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()["id"]
    make_overdue(sqlite_of_the_room, release, timedelta(seconds=40))

    assert api.release(release)["waiting_for"]["code"] == "acting"
