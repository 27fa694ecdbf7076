"""Shutdown: of two workers, one is stopped in the middle of a change."""

import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.releases.waiting import PATIENCE
from tests.e2e.histories import attempts_of_change_flag, events_of, local_changes, process_acting_on
from tests.e2e.stack import Process, Stack, running_stack
from tests.e2e.test_crashes import add_without_worker, changes_of, locked, start_and_act_locally
from tests.http import Api
from tests.pipelines import pipeline, set_value, stage
from tests.waiting import CEILING, wait_for

pytestmark = pytest.mark.e2e

TWO = pipeline(
    stage("Development", wait="2s", actions=[set_value("one")]),
    stage("Production", "production", "3s", actions=[set_value("two")]),
)
FLAGS = [f"flag-{number}" for number in range(6)]


def lateness_of(release: dict[str, Any]) -> list[timedelta]:
    """Return by how much each stage acted after it was due."""
    return [datetime.fromisoformat(visit["acted_at"]) - datetime.fromisoformat(visit["acts_at"]) for visit in release["history"]]


def a_fleet(api: Api) -> list[dict[str, Any]]:
    """Add several flags whose stages are due in the same second, and return them once their workflows run."""
    api.make_project()
    api.publish(TWO)
    for flag in FLAGS:
        api.post("/projects/shop/features", {"key": flag, "default": {"value": "zero"}})
    added = [api.add(flag) for flag in FLAGS]
    return [api.wait_for_release(release["id"], "running") for release in added]


def acting_worker(stack: Stack, releases: list[dict[str, Any]]) -> tuple[Process, Process, dict[str, Any]]:
    """Return the worker that runs a stage, the other one, and the release of the stage."""
    acting = {process: release for release in releases if (process := process_acting_on(stack, release))}
    workers = (stack.worker, stack.other_worker)
    worker = next(each for each in workers if each.running and each.running.pid in acting)
    assert worker.running
    return worker, next(each for each in workers if each is not worker), acting[worker.running.pid]


def test_stopped_worker_finishes_its_change_and_nothing_is_late(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.other_worker.start()
        wait_for("both workers to ask for work", lambda: len(stack.api.get("/status")["workers"]) == 2)
        releases = a_fleet(stack.api)

        with locked(sqlite_url):
            wait_for("a stage to act", lambda: any(process_acting_on(stack, release) for release in releases))
            stopped, other, in_flight = acting_worker(stack, releases)
            assert stopped.running
            assert other.running
            stopped.send(signal.SIGTERM)
            # Nothing shows from outside that it has begun to stop. Where a second is too short for it, the test proves less.
            time.sleep(1)
            assert stopped.running.poll() is None, "it waits for its change"
        exit_code = stopped.running.wait(CEILING)

        ended = [stack.api.wait_for_release(release["id"], "completed") for release in releases]
        assert exit_code == 0
        assert {tuple(changes_of(stack.api, release)) for release in ended} == {("Development", "Production")}
        assert attempts_of_change_flag(stack, in_flight) == 1, "the change in flight was not cut off"
        # A workflow task may be lost with a poll that is just being cancelled. Temporal gives it to the other worker after 10 s.
        timed_out = [event for event in events_of(stack, in_flight) if event.startswith("ACTIVITY") and event.endswith("TIMED_OUT")]
        assert timed_out == []
        assert max(lateness for release in ended for lateness in lateness_of(release)) < PATIENCE

        stopped.start()
        other.send(signal.SIGTERM)
        assert other.running.wait(CEILING) == 0
        again = stack.api.add(FLAGS[0])
        assert [each["outcome"] for each in stack.api.wait_for_release(again["id"], "completed")["history"]] == ["unchanged", "unchanged"]


def test_stopped_worker_finishes_the_change_within_its_workflow_task(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = add_without_worker(stack)

        with locked(sqlite_url):
            start_and_act_locally(stack, release)
            stack.worker.send(signal.SIGTERM)
            time.sleep(1)  # As above.
        assert stack.worker.running
        assert stack.worker.running.wait(CEILING) == 0
        stack.other_worker.start()

        stack.api.wait_for_release(release["id"], "completed")
        assert changes_of(stack.api, release) == ["Development", "Production"]
        ended = [event for event in events_of(stack, release) if event in ("WORKFLOW_TASK_COMPLETED", "WORKFLOW_TASK_TIMED_OUT")]
        assert ended[0] == "WORKFLOW_TASK_COMPLETED", "the task in flight was not cut off"
        assert local_changes(stack, release)[0] == "change/1/1"
