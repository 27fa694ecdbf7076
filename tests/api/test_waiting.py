"""The reasons why a release is not moving, while Temporal is down."""

import time
from datetime import timedelta

from tests.http import Api
from tests.overdue import make_overdue
from tests.pipelines import pipeline, stage


def test_overdue_release_quickly_shows_that_it_waits_for_temporal(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()["id"]
    make_overdue(sqlite_of_the_room, release)
    began = time.monotonic()

    alone = api.release(release)["waiting_for"]
    [listed] = api.get("/projects/shop/releases")["items"]

    assert time.monotonic() - began < 2
    assert listed["waiting_for"] == alone
    assert (alone["code"], alone["until"]) == ("unavailable", None)
    assert "Temporal can't be reached" in alone["message"]


def test_release_that_is_slightly_late_is_about_to_act(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()["id"]
    make_overdue(sqlite_of_the_room, release, timedelta(seconds=40))

    assert api.release(release)["waiting_for"]["code"] == "acting"
