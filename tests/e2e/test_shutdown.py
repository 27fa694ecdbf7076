"""Two workers run; one is told to stop in the middle of a change."""

import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.histories import attempts_of_change_flag, process_at_work_on
from tests.e2e.stack import Process, Stack, running_stack, wait_for
from tests.e2e.test_crashes import changes_of, locked
from tests.http import Api
from tests.pipelines import pipeline, set_value, stage

pytestmark = pytest.mark.e2e

TWO = pipeline(
    stage("Development", wait="6s", actions=[set_value("one")]),
    stage("Production", "production", "3s", actions=[set_value("two")]),
)
FLAGS = [f"flag-{number}" for number in range(6)]


def lateness_of(release: dict[str, Any]) -> list[timedelta]:
    """By how much each stage acted after it was due."""
    return [datetime.fromisoformat(visit["acted_at"]) - datetime.fromisoformat(visit["acts_at"]) for visit in release["history"]]


def a_fleet(api: Api) -> list[dict[str, Any]]:
    """Several flags that are due in the same second."""
    api.make_project()
    api.publish(TWO)
    for flag in FLAGS:
        api.post("/projects/shop/features", {"key": flag, "default": {"value": "zero"}})
    return [api.add(flag) for flag in FLAGS]


def worker_at_work(stack: Stack, release: dict[str, Any]) -> tuple[Process, Process]:
    """The worker that carries out a stage of the release, and the other one."""
    wait_for("a stage to act", lambda: process_at_work_on(stack, release))
    process = process_at_work_on(stack, release)
    workers = (stack.worker, stack.other_worker)
    at_work = next(each for each in workers if each.running and each.running.pid == process)
    return at_work, next(each for each in workers if each is not at_work)


def test_a_worker_told_to_stop_finishes_its_change_and_nothing_is_late(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.other_worker.start()
        releases = a_fleet(stack.api)

        with locked(sqlite_url):
            stopped, other = worker_at_work(stack, releases[0])
            assert stopped.running
            assert other.running
            stopped.send(signal.SIGTERM)
            time.sleep(1)
            assert stopped.running.poll() is None, "it waits for its change"
        exit_code = stopped.running.wait(30)

        ended = [stack.api.wait_for_release(release["id"], "completed") for release in releases]
        assert exit_code == 0
        assert {tuple(changes_of(stack.api, release)) for release in ended} == {("Development", "Production")}
        assert attempts_of_change_flag(stack, releases[0]) == 1, "the change in flight was not cut off"
        late = max(lateness for release in ended for lateness in lateness_of(release))
        assert late < timedelta(seconds=5)

        stopped.start()
        other.send(signal.SIGTERM)
        assert other.running.wait(30) == 0
        again = stack.api.add(FLAGS[0])
        assert [each["outcome"] for each in stack.api.wait_for_release(again["id"], "completed")["history"]] == ["unchanged", "unchanged"]
