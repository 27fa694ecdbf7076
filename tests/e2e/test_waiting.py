"""No worker runs: whoever asks learns it, and a worker that comes goes on."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.e2e.stack import Stack, running_stack, wait_for
from tests.overdue import make_overdue
from tests.pipelines import pipeline, stage
from workflows.service.namespace import ensure_namespace

pytestmark = pytest.mark.e2e


def _waits_for(stack: Stack, release: str) -> set[str]:
    """What the release waits for, alone and in the list."""
    [listed] = stack.api.get("/projects/shop/releases")["items"]
    return {stack.api.release(release)["waiting_for"]["code"], listed["waiting_for"]["code"]}


def test_a_release_without_a_worker_says_so_and_goes_on_when_one_comes(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_stack(tmp_path, sqlite_url, with_worker=False) as stack:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{stack.temporal_port}")
        asyncio.run(ensure_namespace(timedelta(seconds=30)))
        terminal = Terminal(stack.api.address)
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development")))
        release = stack.api.add()["id"]
        stack.api.wait_for_release(release, "running")

        make_overdue(sqlite_url, release)

        wait_for("the API to see that there is no worker", lambda: _waits_for(stack, release) == {"no_worker"})
        assert (terminal.run("status").code, terminal.out[:20]) == (1, "An outage: no worker")
        stack.worker.start()
        stack.api.wait_for_release(release, "completed")
        wait_for("the API to see the worker", lambda: terminal.run("status").code == 0)
        assert terminal.out.startswith("No outage: a worker was seen ")
        [worker] = terminal.read_json("status")["workers"]
        assert stack.worker.running
        assert worker["identity"].startswith(f"{stack.worker.running.pid}@")
        assert worker["at_work"]
        viewer = stack.api.make_key("vera", {"project": "shop", "role": "viewer"})
        assert [each["identity"] for each in viewer.get("/status")["workers"]] == [None]
        ready = stack.api.client.get(f"{stack.api.address}/readyz").json()
        assert ready == {"status": "ready", "temporal": "reachable", "workers": 1}
