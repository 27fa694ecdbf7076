"""Releases that pass all stages by themselves."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from activities.store.database import Database
from domain.flags.flag import FlagState
from domain.releases.status import StageOutcome
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.workflows.harness import dev_server_harness, time_skipping_harness

PROGRESSIVE_ROLLOUT = json.loads((Path(__file__).parents[1] / "progressive-rollout.json").read_text())


def test_realistic_pipeline_can_be_published_over_http_and_runs_to_completion(api: Api, sqlite: Database) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            published = await asyncio.to_thread(api.publish, PROGRESSIVE_ROLLOUT)
            assert published["status"] == "published"
            assert published["stages"][2]["trigger"] == {"type": "WAIT_FOR", "duration": "P1D"}
            release = await harness.add(pipeline="web-app")

            beta = await harness.until(release, "running", stage="Production Beta")
            assert beta.entered_at
            assert beta.acts_at == beta.entered_at + timedelta(hours=24)
            assert harness.world.flag("staging") == FlagState(enabled=True, value="one-page")
            assert harness.world.flag("production") == FlagState(enabled=False, value="classic")

            await harness.env.sleep(timedelta(hours=24, minutes=1))
            await harness.until(release, "running", stage="Production")
            override = harness.world.flag("production").overrides["beta-users"]
            assert (override.enabled, override.value, override.inherits) == (True, "one-page", ())

            await harness.env.sleep(timedelta(hours=48, minutes=1))
            await harness.until(release, "running", stage="Watch")
            assert harness.world.flag("production") == FlagState(enabled=True, value="one-page")

            await harness.env.sleep(timedelta(days=7, minutes=1))
            completed = await harness.until(release, "completed")

            outcomes = [run.outcome for run in harness.runs(release)]
            assert outcomes == [StageOutcome.ACTED] * 4 + [StageOutcome.HELD]
            assert [change.key for change in harness.changes(release)] == [f"{release.id}/{visit}/1" for visit in (1, 2, 3, 4)]
            assert completed.ended_at
            assert await harness.result(harness.handle(release)) == {"status": "completed"}

    asyncio.run(scenario())


def test_flag_enters_its_first_stage_when_the_workflow_starts_not_when_a_worker_does(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development", wait="1h")))
            release = await harness.add()
            before_any_worker = harness.record(release)
            await asyncio.sleep(1.5)  # The worker starts noticeably later than the workflow.

            async with harness.worker():
                place = await harness.place(release)

            assert before_any_worker.status == "running"
            assert place.entered_at == before_any_worker.entered_at
            assert place.acts_at == before_any_worker.acts_at
            assert harness.runs(release)[0].acts_at == place.acts_at

    asyncio.run(scenario())
