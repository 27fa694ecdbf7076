"""Steering from outside, over HTTP and from a terminal, while parts of the stack are down."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.instant import print_instant
from tests.e2e.stack import Stack, running_stack, wait_for
from tests.http import OWNER_KEY
from tests.pipelines import hold, pipeline, rollout, stage

pytestmark = pytest.mark.e2e

LAUNCH = Path(__file__).parents[2] / "examples" / "scheduled-launch.json"


def share(stack: Stack, release: str) -> int | None:
    """The share at which the release holds its rollout; none before its first step and after its last."""
    found: int | None = stack.api.release(release)["rollouts"].get("production")
    return found


def test_a_rollout_whose_worker_is_dead_for_three_steps_goes_on_at_the_next_one(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Ramp", "production", actions=[rollout(every="2s")]), hold("Watch", "1h")))
        release = stack.api.add()["id"]
        wait_for("40 %", lambda: share(stack, release) == 40)

        stack.worker.kill()
        time.sleep(6.5)
        assert share(stack, release) == 40
        stack.worker.start()

        stack.api.wait_for_stage(release, "Watch", seconds=60)
        changes = stack.api.release(release)["history"][0]["changes"]
        assert [change["after"]["rollout"] and change["after"]["rollout"]["percent"] for change in changes] == [10, 40, 70, None]
        made = [datetime.fromisoformat(change["made_at"]) for change in changes]
        assert made[2] - made[1] > timedelta(seconds=6)
        assert made[3] - made[2] >= timedelta(seconds=2)
        steps = stack.api.release(release)["stages"][0]["steps"]
        assert [(step["percent"], step["made_at"]) for step in steps] == [
            (percent, change["made_at"]) for percent, change in zip((10, 40, 70, 100), changes, strict=True)
        ]


def test_a_pause_holds_while_temporal_is_down(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development"), stage("Production", "production", "3s")))
        release = stack.api.add()["id"]
        stack.api.wait_for_stage(release, "Production")

        stack.temporal.kill()
        paused = stack.api.post(f"/projects/shop/releases/{release}/pause", {"reason": "Temporal is down"})
        assert paused["status"] == "paused"
        time.sleep(3)
        stack.temporal.start()
        time.sleep(4)

        still = stack.api.release(release)
        assert (still["status"], still["stage"]) == ("paused", "Production")
        assert stack.api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"] is False
        wait_for("resumed", lambda: stack.api.request("POST", f"/projects/shop/releases/{release}/resume").is_success)
        stack.api.wait_for_release(release, "completed")


def test_a_launch_is_made_from_a_terminal_at_its_time(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()

        def flaghoist(*typed: str) -> str:
            options = ["--url", stack.api.address, "--key", OWNER_KEY]
            command = [sys.executable, "-c", "from api.cli.app import main; main()", *options, *typed]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

        flaghoist("pipelines", "create", str(LAUNCH), "-p", "shop")
        flaghoist("pipelines", "publish", "launch", "-p", "shop", "--yes")
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
        given = ["--parameter", f"launch_at={print_instant(at)}", "--parameter", "value=sale"]
        flaghoist("releases", "add", "checkout", "launch", "-p", "shop", "--yes", *given)
        release = stack.api.get("/projects/shop/releases")["items"][0]["id"]

        waiting = stack.api.wait_for_stage(release, "Launch")
        assert datetime.fromisoformat(waiting["acts_at"]) == at
        stack.api.wait_for_stage(release, "Post-launch")

        made = datetime.fromisoformat(stack.api.release(release)["history"][1]["acted_at"])
        assert timedelta(0) <= made - at < timedelta(seconds=5)
        production = stack.api.get("/projects/shop/features/checkout")["environments"]["production"]
        assert (production["enabled"], production["value"]) == (True, "sale")
        flaghoist("releases", "advance", release, "-p", "shop", "--yes")
        stack.api.wait_for_release(release, "completed")
