"""What is killed comes back, and every change is made once."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.e2e.histories import attempts_of_change_flag, workflow_status
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Stack, running_stack, wait_for
from tests.http import Api
from tests.pipelines import pipeline, set_value, stage

pytestmark = pytest.mark.e2e

TWO = pipeline(
    stage("Development", wait="5s", actions=[set_value("one")]),
    stage("Production", "production", "1s", actions=[set_value("two")]),
)


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Nobody else can write to the SQLite database for as long as the block lasts."""
    connection = sqlite3.connect(str(make_url(database_url).database), isolation_level=None, timeout=10)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def a_waiting_release(api: Api) -> dict[str, Any]:
    """A flag on its way through two stages, of which the first waits."""
    api.make_project()
    api.publish(TWO)
    release: dict[str, Any] = api.add()
    api.wait_for_release(release["id"], "running")
    return release


def until_acting(stack: Stack, release: dict[str, Any]) -> None:
    """Return once the worker has begun to carry out a stage (which then waits for the database)."""
    wait_for("change_flag to start", lambda: attempts_of_change_flag(stack, release) >= 1)


def changed_so_far(api: Api, release: dict[str, Any]) -> list[str]:
    """The stages whose changes are recorded, once for each record."""
    return [visit["stage"] for visit in api.release(release["id"])["history"] for _ in visit["changes"]]


def changes_of(api: Api, release: dict[str, Any]) -> list[str]:
    """The same, by the audit log too, of a release that changes nothing meanwhile."""
    history = changed_so_far(api, release)
    entries = api.get("/projects/shop/audit", release=release["id"], event="flag.changed")["items"]
    assert [entry["stage"] for entry in reversed(entries)] == history
    return history


def test_a_worker_killed_before_its_acknowledgement_has_made_the_change_once(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, a_waiting_release(stack.api)

        with locked(sqlite_url):
            until_acting(stack, release)
            proxy.hold()
        wait_for("the change to be committed", lambda: changed_so_far(api, release) == ["Development"])
        assert attempts_of_change_flag(stack, release) == 1, "Temporal has not heard of it"
        stack.worker.kill()
        proxy.drop_and_release()
        stack.worker.start()

        wait_for("a second attempt", lambda: attempts_of_change_flag(stack, release) >= 2, seconds=60)
        api.wait_for_release(release["id"], "completed", seconds=60)
        assert changes_of(api, release) == ["Development", "Production"]


def test_an_attempt_that_outlives_its_time_budget_has_no_second_effect(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, a_waiting_release(stack.api)

        with locked(sqlite_url):
            until_acting(stack, release)
            stack.worker.send(signal.SIGSTOP)
            proxy.drop_and_release()  # Or Temporal would go on giving tasks to the frozen worker's open polls.
        stack.other_worker.start()
        api.wait_for_release(release["id"], "completed", seconds=60)
        stack.worker.send(signal.SIGCONT)
        time.sleep(3)

        assert changes_of(api, release) == ["Development", "Production"]
        assert api.release(release["id"])["status"] == "completed"


def test_an_api_killed_between_its_commit_and_the_start_of_the_workflow_loses_nothing(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, api_behind=proxy) as stack:
        api = stack.api
        api.make_project()
        api.publish(TWO)
        proxy.hold()

        release = api.add()
        time.sleep(0.5)
        stack.api_process.kill()
        proxy.drop_and_release()
        stack.api_process.start()
        api.wait_until_ready()

        api.wait_for_release(release["id"], "completed", seconds=60)
        assert changes_of(api, release) == ["Development", "Production"]


def test_everything_killed_and_started_again_goes_on_with_the_same_releases(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api = stack.api
        api.make_project()
        api.publish(pipeline(*[stage(f"Stage {number}", wait="1s", actions=[set_value(f"v{number}")]) for number in range(8)]))
        features = [f"feature-{number}" for number in range(5)]
        for feature in features:
            api.post("/projects/shop/features", {"key": feature, "default": {"value": "v"}})
        releases = [api.add(feature=feature) for feature in features]
        wait_for("half of the way", lambda: any(api.release(each["id"])["stage_index"] >= 3 for each in releases))

        stack.kill()
        time.sleep(1)
        stack.start()

        for release in releases:
            done = api.wait_for_release(release["id"], "completed", seconds=90)
            assert changes_of(api, release) == [f"Stage {number}" for number in range(8)]
            assert [visit["outcome"] for visit in done["history"]] == ["acted"] * 8
        listed = api.get("/projects/shop/releases")["items"]
        assert [each["id"] for each in reversed(listed)] == [each["id"] for each in releases]


def test_a_release_removed_while_temporal_is_down_never_acts_after_it_returns(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api = stack.api
        api.make_project()
        api.publish(pipeline(stage("Development", wait="6s", actions=[set_value("one")])))
        release = api.add()
        api.wait_for_release(release["id"], "running")
        stack.temporal.kill()

        asked_at = time.monotonic()
        removed = api.post(f"/projects/shop/releases/{release['id']}/remove", {"reason": "while Temporal is down"})
        assert removed["status"] == "removed"
        assert time.monotonic() - asked_at < 2, "the record alone decides it"
        added_meanwhile = api.add()
        assert added_meanwhile["status"] == "starting", "the flag is free, and adding is kept"
        stack.temporal.start()

        api.wait_for_release(added_meanwhile["id"], "completed", seconds=90)
        wait_for("the removed workflow to end", lambda: workflow_status(stack, release) == "COMPLETED", seconds=60)
        assert changes_of(api, release) == []
        assert api.release(release["id"])["status"] == "removed"
