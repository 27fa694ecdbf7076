"""Without a worker, API and CLI say so. A worker that starts continues the releases."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.e2e.stack import Stack, running_stack
from tests.overdue import make_overdue
from tests.pipelines import pipeline, stage
from tests.waiting import CEILING, wait_for
from workflows.service.namespace import ensure_namespace

pytestmark = pytest.mark.e2e


def _waits_for(stack: Stack, release: str) -> set[str]:
    """Return what the release waits for, by itself and in the list."""
    [listed] = stack.api.get("/projects/shop/releases")["items"]
    return {stack.api.release(release)["waiting_for"]["code"], listed["waiting_for"]["code"]}


def test_release_without_a_worker_says_so_and_continues_when_one_starts(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_stack(tmp_path, sqlite_url, with_worker=False) as stack:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{stack.temporal_port}")
        asyncio.run(ensure_namespace(timedelta(seconds=CEILING)))
        terminal = Terminal(stack.api.address)
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development")))
        release = stack.api.add()["id"]
        stack.api.wait_for_release(release, "running")

        make_overdue(sqlite_url, release)

        wait_for("the API to miss the worker", lambda: _waits_for(stack, release) == {"no_worker"})
        # Each answer asks Temporal again after some seconds, and a busy server may be too slow to respond.
        wait_for("the terminal to say so", lambda: terminal.run("status").out.startswith("An outage: no worker"))
        assert terminal.code == 1
        stack.worker.start()
        stack.api.wait_for_release(release, "completed")
        wait_for("the terminal to report the worker", lambda: terminal.run("status").out.startswith("No outage: a worker was seen "))
        assert terminal.code == 0
        [worker] = wait_for("the worker to be listed", lambda: json.loads(terminal.run("status", "--json").out)["workers"])
        assert stack.worker.running
        assert worker["identity"].startswith(f"{stack.worker.running.pid}@")
        assert worker["at_work"]
        viewer = stack.api.make_key("vera", {"project": "shop", "role": "viewer"})
        wait_for("its name to be hidden", lambda: [each["identity"] for each in viewer.get("/status")["workers"]] == [None])
        expected = {"status": "ready", "temporal": "reachable", "workers": 1}
        wait_for("the API to be ready", lambda: stack.api.client.get(f"{stack.api.address}/readyz").json() == expected)
