"""Crashes: everything that is killed recovers, and every change is made once."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.e2e.histories import attempts_of_change_flag, events_of, local_changes, workflow_status
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Process, Stack, running_stack
from tests.http import Api
from tests.pipelines import pipeline, set_value, stage
from tests.prometheus import Scrape
from tests.waiting import CEILING, wait_for
from workflows.messages import TASK_QUEUE
from workflows.policies import RPC_TIMEOUT

pytestmark = pytest.mark.e2e

TWO = pipeline(stage("Development", actions=[set_value("one")]), stage("Production", "production", "1s", actions=[set_value("two")]))


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Let nobody else write to the SQLite database while the block runs."""
    connection = sqlite3.connect(str(make_url(database_url).database), isolation_level=None, timeout=CEILING)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def add_without_worker(stack: Stack) -> dict[str, Any]:
    """Add a flag whose first stage is due, and for which no worker runs."""
    stack.worker.stop()
    stack.api.make_project()
    stack.api.publish(TWO)
    release: dict[str, Any] = stack.api.add()
    stack.api.wait_for_release(release["id"], "running")
    return release


def start_and_act(stack: Stack, release: dict[str, Any], *workers: Process) -> None:
    """Start workers, and return once one runs a stage. On a locked database the stage then waits for its change."""
    for worker in workers:
        worker.start()
    wait_for("change_flag to start", lambda: attempts_of_change_flag(stack, release) >= 1)


def start_and_act_locally(stack: Stack, release: dict[str, Any]) -> None:
    """Start the worker, and return once it runs a stage within a workflow task. On a locked database the stage waits for its change."""
    stack.worker.start()
    wait_for("a workflow task", lambda: events_of(stack, release)[-1:] == ["WORKFLOW_TASK_STARTED"])
    wait_for("its change", lambda: running_attempts(stack, "LocalActivityWorker"))


def running_attempts(stack: Stack, kind: str = "ActivityWorker") -> float | None:
    """Return the number of activities that the first worker runs, by its own metrics. Temporal counts one before it arrives."""
    metrics = Scrape(f"http://127.0.0.1:{stack.metrics_port}")
    return metrics.value("temporal_worker_task_slots_used", worker_type=kind, task_queue=TASK_QUEUE)


def ended_attempts(stack: Stack) -> float | None:
    """Return the number of attempts of change_flag that the first worker has ended, by its own metrics."""
    return Scrape(f"http://127.0.0.1:{stack.metrics_port}").value("temporal_activity_execution_latency_seconds_count")


def changed_so_far(api: Api, release: dict[str, Any]) -> list[str]:
    """Return the stage of each recorded change."""
    return [visit["stage"] for visit in api.release(release["id"])["history"] for _ in visit["changes"]]


def changes_of(api: Api, release: dict[str, Any]) -> list[str]:
    """Return the same for a release at rest, and check it against the audit log."""
    history = changed_so_far(api, release)
    entries = api.get("/projects/shop/audit", release=release["id"], event="flag.changed")["items"]
    assert [entry["stage"] for entry in reversed(entries)] == history
    return history


def test_worker_killed_before_its_acknowledgement_has_made_the_change_once(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, add_without_worker(stack)

        with locked(sqlite_url):
            start_and_act(stack, release, stack.worker)
            proxy.hold()
        wait_for("the change to be committed", lambda: changed_so_far(api, release) == ["Development"])
        assert attempts_of_change_flag(stack, release) == 1, "Temporal has not been notified"
        stack.worker.kill()
        proxy.drop_and_release()
        stack.worker.start()

        wait_for("a second attempt", lambda: attempts_of_change_flag(stack, release) >= 2)
        api.wait_for_release(release["id"], "completed")
        assert changes_of(api, release) == ["Development", "Production"]


def test_worker_killed_before_it_reports_a_workflow_task_has_made_its_changes_once(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, add_without_worker(stack)

        with locked(sqlite_url):
            start_and_act_locally(stack, release)
            proxy.hold()
        wait_for("the change to be committed", lambda: changed_so_far(api, release) == ["Development"])
        assert local_changes(stack, release) == [], "Temporal has not been notified"
        stack.worker.kill()
        proxy.drop_and_release()
        stack.worker.start()

        api.wait_for_release(release["id"], "completed")
        assert changes_of(api, release) == ["Development", "Production"]
        assert "WORKFLOW_TASK_TIMED_OUT" in events_of(stack, release)
        assert local_changes(stack, release) == ["change/1/1", "change/2/1"]


def test_workflow_task_of_a_frozen_worker_has_no_second_effect(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, add_without_worker(stack)

        with locked(sqlite_url):
            start_and_act_locally(stack, release)
            stack.worker.freeze()
            proxy.drop_and_release()
        stack.other_worker.start()
        api.wait_for_release(release["id"], "completed")
        stack.worker.send(signal.SIGCONT)
        stack.worker.stop()

        assert changes_of(api, release) == ["Development", "Production"]
        assert api.release(release["id"])["status"] == "completed"


def test_attempt_that_outlives_its_time_budget_has_no_second_effect(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, worker_behind=proxy) as stack:
        api, release = stack.api, add_without_worker(stack)

        with locked(sqlite_url):
            start_and_act(stack, release, stack.worker)
            wait_for("the attempt to reach the worker", lambda: running_attempts(stack) == 1)
            ended = ended_attempts(stack) or 0
            stack.worker.freeze()
            proxy.drop_and_release()  # Or Temporal would continue to give tasks to the frozen worker's open polls.
        stack.other_worker.start()
        api.wait_for_release(release["id"], "completed")
        stack.worker.send(signal.SIGCONT)
        wait_for("the thawed worker to end its attempt", lambda: (ended_attempts(stack) or 0) > ended)

        assert changes_of(api, release) == ["Development", "Production"]
        assert api.release(release["id"])["status"] == "completed"


def test_api_killed_between_its_commit_and_the_start_of_the_workflow_loses_nothing(tmp_path: Path, sqlite_url: str) -> None:
    with Proxy() as proxy, running_stack(tmp_path, sqlite_url, api_behind=proxy) as stack:
        api = stack.api
        api.make_project()
        api.publish(TWO)
        proxy.hold()

        release = api.add()
        wait_for("a call to Temporal", lambda: proxy.has_held_something)
        stack.api_process.kill()
        proxy.drop_and_release()
        stack.api_process.start()
        api.wait_until_ready()

        api.wait_for_release(release["id"], "completed")
        assert changes_of(api, release) == ["Development", "Production"]


def test_releases_continue_after_everything_was_killed_and_started_again(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api = stack.api
        api.make_project()
        api.publish(pipeline(*[stage(f"Stage {number}", wait="1s", actions=[set_value(f"v{number}")]) for number in range(8)]))
        features = [f"feature-{number}" for number in range(5)]
        for feature in features:
            api.post("/projects/shop/features", {"key": feature, "default": {"value": "v"}})
        releases = [api.add(feature=feature) for feature in features]
        wait_for("one to be half way", lambda: any(api.release(each["id"])["stage_index"] >= 3 for each in releases))

        stack.kill()
        stack.start()

        for release in releases:
            done = api.wait_for_release(release["id"], "completed")
            assert changes_of(api, release) == [f"Stage {number}" for number in range(8)]
            assert [visit["outcome"] for visit in done["history"]] == ["acted"] * 8
        listed = api.get("/projects/shop/releases")["items"]
        assert [each["id"] for each in reversed(listed)] == [each["id"] for each in releases]


def test_release_removed_while_temporal_is_down_never_acts_after_it_returns(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api = stack.api
        api.make_project()
        api.publish(pipeline(stage("Development", wait="10s", actions=[set_value("one")])))
        api.publish(pipeline(stage("Development"), key="at-once"))
        release = api.add()
        api.wait_for_release(release["id"], "running")
        stack.temporal.kill()

        removed = api.request("POST", f"/projects/shop/releases/{release['id']}/remove", {"reason": "while Temporal is down"})
        assert removed.json()["status"] == "removed"
        assert removed.elapsed < RPC_TIMEOUT, "an answer that waited for Temporal would take at least that long"
        next_release = api.add(pipeline="at-once")
        assert next_release["status"] == "starting", "the flag is free, and the new release is recorded"
        stack.temporal.start()

        api.wait_for_release(next_release["id"], "completed")
        wait_for("the removed workflow to end", lambda: workflow_status(stack, release) == "COMPLETED")
        assert changes_of(api, release) == []
        assert api.release(release["id"])["status"] == "removed"
