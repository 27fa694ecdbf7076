"""Controls over HTTP and from a terminal while parts of the stack are down."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from domain.instant import print_instant
from domain.releases.waiting import PATIENCE
from tests.e2e.histories import events_of
from tests.e2e.stack import Stack, running_stack
from tests.http import OWNER_KEY
from tests.pipelines import hold, pipeline, rollout, stage
from tests.waiting import CEILING, sleep_until, wait_for

pytestmark = pytest.mark.e2e

LAUNCH = Path(__file__).parents[2] / "examples" / "scheduled-launch.json"
EVERY = timedelta(seconds=3)
"""The interval of the rollout's steps. The worker must be killed within the first two."""


def shares(stack: Stack, release: str) -> list[int | None]:
    """Return the share that each change of the first stage set; none after the last step."""
    changes = stack.api.release(release)["history"][0]["changes"]
    return [change["after"]["rollout"] and change["after"]["rollout"]["percent"] for change in changes]


def made_at(stack: Stack, release: str) -> list[datetime]:
    """Return the time of each change of the first stage."""
    return [datetime.fromisoformat(change["made_at"]) for change in stack.api.release(release)["history"][0]["changes"]]


def test_rollout_whose_worker_was_dead_for_three_steps_continues_with_the_next_one(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Ramp", "production", actions=[rollout(every="3s")]), hold("Watch", "1h")))
        release = stack.api.add()["id"]
        wait_for("the first step", lambda: stack.api.release(release)["rollouts"])

        stack.worker.kill()
        done, last = shares(stack, release), made_at(stack, release)[-1]
        assert done in ([10], [10, 40], [10, 40, 70])
        sleep_until(last + 3 * EVERY)
        assert shares(stack, release) == done
        stack.worker.start()

        stack.api.wait_for_stage(release, "Watch")
        assert shares(stack, release) == [10, 40, 70, None]
        made = made_at(stack, release)
        gaps = [later - earlier for earlier, later in pairwise(made)]
        assert gaps[len(done) - 1] > 3 * EVERY
        assert min(gaps) >= EVERY, "no step is caught up with"
        steps = stack.api.release(release)["stages"][0]["steps"]
        assert [(step["percent"], datetime.fromisoformat(step["made_at"])) for step in steps] == list(
            zip((10, 40, 70, 100), made, strict=True)
        )


def test_pause_holds_although_temporal_was_down(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development"), stage("Production", "production", "8s")))
        release = stack.api.add()
        waiting = stack.api.wait_for_stage(release["id"], "Production")

        stack.temporal.kill()
        paused = stack.api.post(f"/projects/shop/releases/{release['id']}/pause", {"reason": "Temporal is down"})
        assert paused["status"] == "paused"
        sleep_until(datetime.fromisoformat(waiting["acts_at"]))
        stack.temporal.start()
        wait_for("the workflow to be notified", lambda: "WORKFLOW_EXECUTION_SIGNALED" in events_of(stack, release))
        wait_for("the workflow to handle it", lambda: events_of(stack, release)[-1:] not in ([], ["WORKFLOW_EXECUTION_SIGNALED"]))

        still = stack.api.release(release["id"])
        assert (still["status"], still["stage"]) == ("paused", "Production")
        assert stack.api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"] is False
        wait_for("it to be resumed", lambda: stack.api.request("POST", f"/projects/shop/releases/{release['id']}/resume").is_success)
        stack.api.wait_for_release(release["id"], "completed")


def test_launch_from_a_terminal_happens_at_its_time(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()

        def flaghoist(*typed: str) -> str:
            options = ["--url", stack.api.address, "--key", OWNER_KEY]
            command = [sys.executable, "-c", "from api.cli.app import main; main()", *options, *typed]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=CEILING).stdout

        flaghoist("pipelines", "create", str(LAUNCH), "-p", "shop")
        flaghoist("pipelines", "publish", "launch", "-p", "shop", "--yes")
        # Far enough away for the next command to be done before, also on a busy machine.
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=20)
        given = ["--parameter", f"launch_at={print_instant(at)}", "--parameter", "value=sale"]
        flaghoist("releases", "add", "checkout", "launch", "-p", "shop", "--yes", *given)
        release = stack.api.get("/projects/shop/releases")["items"][0]["id"]

        stack.api.wait_for_stage(release, "Post-launch")

        launch = stack.api.release(release)["history"][1]
        assert datetime.fromisoformat(launch["acts_at"]) == at
        # From a minute on the product itself calls a stage overdue.
        assert timedelta(0) <= datetime.fromisoformat(launch["acted_at"]) - at < PATIENCE
        production = stack.api.get("/projects/shop/features/checkout")["environments"]["production"]
        assert (production["enabled"], production["value"]) == (True, "sale")
        flaghoist("releases", "advance", release, "-p", "shop", "--yes")
        stack.api.wait_for_release(release, "completed")
