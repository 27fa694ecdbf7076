"""Workers of two builds in one Temporal worker deployment: running releases move from one to the other, and back to workers without one."""

import subprocess
from pathlib import Path

import pytest

from tests.binaries import TEMPORAL
from tests.e2e.stack import Stack, running_stack
from tests.pipelines import hold, pipeline, stage
from tests.waiting import CEILING, wait_for

PIPELINE = pipeline(stage("Development"), hold("Watch", "1h"), stage("Production", "production"), key="versions")


def _versioned(build: str) -> dict[str, str]:
    return {"FLAGHOIST_DEPLOYMENT_NAME": "flaghoist", "FLAGHOIST_BUILD_ID": build}


def _deploy(stack: Stack, command: str, *options: str) -> str:
    """Return the answer of a command, or nothing if it failed. The server refuses a version whose workers have not polled yet."""
    address = ("--address", f"127.0.0.1:{stack.temporal_port}")
    asked = [str(TEMPORAL), "worker", "deployment", command, *options, *address]
    done = subprocess.run(asked, capture_output=True, timeout=CEILING, check=False, text=True)
    return f"{command} {done.stdout}" if done.returncode == 0 else ""


def _set_current(stack: Stack, *version: str) -> str:
    return _deploy(stack, "set-current-version", *version, "--deployment-name", "flaghoist", "--yes")


def _ramp(stack: Stack, build: str, percentage: int) -> str:
    version = ("--deployment-name", "flaghoist", "--build-id", build, "--percentage", str(percentage))
    return _deploy(stack, "set-ramping-version", *version, "--yes")


def _with_work(stack: Stack) -> int:
    return sum(worker["at_work"] for worker in stack.api.get("/status")["workers"])


@pytest.mark.e2e
def test_running_releases_move_to_another_build_and_back_to_workers_without_versioning(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()
        stack.api.publish(PIPELINE)
        release = stack.api.add(pipeline="versions")["id"]
        stack.api.wait_for_stage(release, "Watch")
        plain = dict(stack.worker.environment)
        stack.worker.stop()

        stack.worker.environment = plain | _versioned("one")
        stack.worker.start()
        wait_for("the status to say that it gets no work", lambda: "set-current-version" in stack.api.get("/status")["summary"])
        wait_for("build one to be current", lambda: _set_current(stack, "--build-id", "one"), interval=1)
        wait_for("the status to say that it gets work", lambda: stack.api.get("/status")["condition"] == "ok")
        stack.api.post(f"/projects/shop/releases/{release}/pause")
        stack.api.wait_for_release(release, "paused")
        stack.other_worker.environment |= _versioned("two")
        stack.other_worker.start()
        wait_for("build two to get a share", lambda: _ramp(stack, "two", 10), interval=1)
        assert "two" in _deploy(stack, "describe", "--name", "flaghoist")
        wait_for("both workers to get work", lambda: _with_work(stack) == 2)
        wait_for("build two to be current", lambda: _set_current(stack, "--build-id", "two"), interval=1)
        stack.worker.stop()
        stack.api.post(f"/projects/shop/releases/{release}/resume")
        stack.api.wait_for_release(release, "running")
        stack.other_worker.stop()
        stack.worker.environment = plain
        stack.worker.start()
        assert _set_current(stack, "--unversioned")
        stack.api.post(f"/projects/shop/releases/{release}/advance")
        stack.api.wait_for_release(release, "completed")

        changed = stack.api.get("/audit", project="shop", event="flag.changed")["items"]
        assert len(changed) == 2
