"""Runs that an older version started continue as new, so that their patches can be retired."""

import asyncio
import subprocess
from collections.abc import Callable

import pytest
from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities.store.database import Database
from domain.releases.control import Control
from tests.binaries import TEMPORAL
from tests.pipelines import hold, pipeline, stage
from tests.repo.guide import text_of
from tests.waiting import CEILING, wait_until
from tests.workflows.controls import send, waiting_in_staging
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.rollbacks import roll_back
from workflows.messages import CHANGES_LOCALLY, ReleasePlace

CHANGE_VERSION = SearchAttributeKey.for_keyword_list("TemporalChangeVersion")
OLDER = (
    "WorkflowType = 'Release' AND ExecutionStatus = 'Running' "
    f"AND (TemporalChangeVersion IS NULL OR TemporalChangeVersion != '{CHANGES_LOCALLY}')"
)
SIGNAL = ["workflow", "signal", "--name", "roll_over", "--reason", "retire patches", "--query", OLDER, "--yes"]


async def older_runs(harness: Harness, number: int) -> None:
    """Wait until Temporal lists that many runs of older versions."""

    async def is_listed() -> bool:
        return (await harness.env.client.count_workflows(OLDER)).count == number

    await wait_until(f"{number} runs of older versions", is_listed)


def is_at(visit: int) -> Callable[[ReleasePlace], bool]:
    return lambda place: place.visit == visit


def signal_older_runs(address: str) -> None:
    """Send the batch signal, as the guide says."""
    subprocess.run([str(TEMPORAL), *SIGNAL, "--address", address], check=True, timeout=CEILING)


def test_one_batch_rolls_over_the_runs_of_older_versions_and_no_others(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            harness.world.add_feature("search")
            with monkeypatch.context() as older_version:
                older_version.setattr(workflow, "patched", lambda _id: False)
                async with harness.worker():
                    older = await harness.add()
                    await harness.until(older, "running", stage="Watch")
                    await harness.until_timer_set(older)
            async with harness.worker():
                newer = await harness.add(feature="search")
                await harness.until(newer, "running", stage="Watch")
                await harness.until_timer_set(newer)
                await older_runs(harness, 1)
                before = (await harness.handle(newer).describe()).run_id

                address = harness.env.client.service_client.config.target_host
                await asyncio.to_thread(signal_older_runs, address)
                await older_runs(harness, 0)
                await harness.until_timer_set(older)

                attributes = (await harness.handle(older).describe()).typed_search_attributes
                assert attributes[CHANGE_VERSION] == [CHANGES_LOCALLY]
                assert (await harness.handle(newer).describe()).run_id == before
                for release in (older, newer):
                    await send(harness, harness.record(release), Control.ADVANCE)
                    await harness.until(release, "completed")

    asyncio.run(scenario())


def test_run_needs_one_patch_however_often_it_is_rolled_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            for n in range(3):
                await roll_back(harness, waiting, to_stage="Development")
                paused = await harness.until(waiting, "paused", visit=waiting.visit + 1 + n)
                await harness.until_place(waiting, "the workflow to follow", is_at(paused.visit))
                await send(harness, paused, Control.RESUME, f"resume {n}")
            await harness.until_timer_set(waiting)

            assert (await harness.handle(waiting).describe()).typed_search_attributes[CHANGE_VERSION] == [CHANGES_LOCALLY]
            scheduled = [
                event.activity_task_scheduled_event_attributes.activity_id
                for event in (await harness.handle(waiting).fetch_history()).events
                if event.HasField("activity_task_scheduled_event_attributes")
            ]
            assert scheduled == ["rollback/1", "rollback/2", "rollback/3"]

    asyncio.run(scenario())


def test_guide_shows_the_query_for_runs_of_older_versions() -> None:
    assert OLDER in text_of("docs/guide/deploying.md")
