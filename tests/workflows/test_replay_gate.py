"""`flaghoist replay`, against a real Temporal server."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.changes import ChangeActivities
from activities.store.database import Database
from tests.elsewhere import nowhere
from tests.embedded.running import FLAGHOIST, settings_of
from tests.pipelines import hold, pipeline, stage
from tests.scripted_metrics import guard_with
from tests.waiting import CEILING, wait_until
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.reordered import ActsBeforeItsWait, RestsBeforeItActs
from workflows.messages import TASK_QUEUE
from workflows.release import ReleaseWorkflow
from workflows.service.replay_gate import OPEN, replay_open_workflows

pytestmark = pytest.mark.e2e
FEATURES = ("checkout", "search", "banner")


async def listed(harness: Harness, number: int) -> None:
    """Wait until Temporal lists that many open workflows."""

    async def is_listed() -> bool:
        return (await harness.env.client.count_workflows(OPEN)).count == number

    await wait_until(f"{number} listed workflows", is_listed)


async def waiting_releases(harness: Harness, *features: str) -> list[str]:
    """Add features whose releases wait for an hour, and return the ids of their workflows."""
    ids = []
    for feature in features:
        release = await harness.add(feature=feature)
        await harness.until(release, "running", stage="Watch")
        await harness.until_timer_set(release)
        ids.append(release.workflow_id)
    return ids


@asynccontextmanager
async def other_version(harness: Harness) -> AsyncIterator[None]:
    """Run a worker whose workflows have one more timer."""
    with ThreadPoolExecutor(1) as threads:
        options: dict[str, Any] = {"activity_executor": threads, "workflow_runner": UnsandboxedWorkflowRunner()}
        activities = [
            ChangeActivities(harness.world.database, nowhere(harness.world.database), guard_with(harness.world.database)).change_flag
        ]
        async with Worker(harness.env.client, task_queue=TASK_QUEUE, workflows=[RestsBeforeItActs], activities=activities, **options):
            yield


async def replay(harness: Harness, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    address = {"TEMPORAL_ADDRESS": harness.env.client.service_client.config.target_host}
    command = [str(FLAGHOIST), "replay"]
    environment = settings_of(folder) | address
    return await asyncio.to_thread(
        lambda: subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=CEILING, check=False)
    )


def test_every_open_workflow_is_replayed_with_few_histories_in_memory(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            for feature in FEATURES[1:]:
                harness.world.add_feature(feature)
            async with harness.worker():
                await waiting_releases(harness, *FEATURES)
            await listed(harness, 3)

            report = await replay_open_workflows(harness.env.client, [ReleaseWorkflow], fetches=2)
            reordered = await replay_open_workflows(harness.env.client, [ActsBeforeItsWait], fetches=1)

            assert report == (3, 0, [])
            assert (reordered.replayed, len({each.workflow_id for each in reordered.failures})) == (3, 3)
            assert all("Nondeterminism" in each.error for each in reordered.failures)

    asyncio.run(scenario())


def test_replay_names_workflows_that_this_version_cannot_continue(sqlite: Database, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            for feature in FEATURES[1:]:
                harness.world.add_feature(feature)
            async with harness.worker():
                await waiting_releases(harness, FEATURES[0])
            unbegun = await harness.add(feature=FEATURES[1])
            await listed(harness, 2)

            good = await replay(harness, tmp_path)
            assert (good.returncode, good.stderr) == (0, "")
            assert good.stdout.splitlines() == [
                "Replayed 1 open workflows.",
                "1 more have not begun, so there is nothing to replay.",
                "This version can continue all of them.",
            ]

            await harness.handle(unbegun).terminate()
            async with other_version(harness):
                [broken] = await waiting_releases(harness, FEATURES[2])
            await listed(harness, 2)
            bad = await replay(harness, tmp_path)
            assert bad.returncode == 1
            assert "This version can't continue 1 of them. Don't start its workers." in bad.stdout
            assert bad.stdout.splitlines()[-1].startswith(f"{broken} (run ")

    asyncio.run(scenario())


def test_replay_without_temporal_fails(tmp_path: Path) -> None:
    environment = settings_of(tmp_path) | {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
    done = subprocess.run([str(FLAGHOIST), "replay"], env=environment, capture_output=True, text=True, timeout=CEILING, check=False)

    assert done.returncode == 1
    assert "The workflows can't be read:" in done.stderr
