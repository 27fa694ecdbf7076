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


def _set_current(stack: Stack, *version: str) -> bool:
    """True if the server has made this the current version. It refuses one whose workers have not polled yet."""
    address = ("--address", f"127.0.0.1:{stack.temporal_port}")
    command = [str(TEMPORAL), "worker", "deployment", "set-current-version", *version, "--deployment-name", "flaghoist", "--yes", *address]
    return subprocess.run(command, capture_output=True, timeout=CEILING, check=False).returncode == 0


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
        wait_for("build one to be current", lambda: _set_current(stack, "--build-id", "one"), interval=1)
        stack.api.post(f"/projects/shop/releases/{release}/pause")
        stack.api.wait_for_release(release, "paused")
        stack.other_worker.environment |= _versioned("two")
        stack.other_worker.start()
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
