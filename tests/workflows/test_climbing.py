"""Releases climb by themselves, on skipped time."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from activities.store.database import Database
from domain.flags.flag import FlagState
from domain.releases.status import StageOutcome
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.workflows.harness import real_stand, skipping_stand
from workflows.messages import ReleasePlace

PROGRESSIVE_ROLLOUT = json.loads((Path(__file__).parents[1] / "progressive-rollout.json").read_text())


def test_a_pipeline_as_a_team_writes_it_is_published_over_http_and_climbed_to_the_end(api: Api, sqlite: Database) -> None:
    async def climb() -> None:
        async with skipping_stand(sqlite) as stand, stand.worker():
            published = await asyncio.to_thread(api.publish, PROGRESSIVE_ROLLOUT)
            assert published["status"] == "published"
            assert published["stages"][2]["trigger"] == {"type": "WAIT_FOR", "duration": "P1D"}
            release = await stand.add(pipeline="web-app")

            beta = await stand.until(release, "running", stage="Production Beta")
            assert beta.entered_at
            assert beta.acts_at == beta.entered_at + timedelta(hours=24)
            assert stand.world.flag("staging") == FlagState(enabled=True, value="one-page")
            assert stand.world.flag("production") == FlagState(enabled=False, value="classic")

            await stand.env.sleep(timedelta(hours=24, minutes=1))
            await stand.until(release, "running", stage="Production")
            override = stand.world.flag("production").overrides["beta-users"]
            assert (override.enabled, override.value, override.inherits) == (True, "one-page", ())

            await stand.env.sleep(timedelta(hours=48, minutes=1))
            await stand.until(release, "running", stage="Watch")
            assert stand.world.flag("production") == FlagState(enabled=True, value="one-page")

            await stand.env.sleep(timedelta(days=7, minutes=1))
            completed = await stand.until(release, "completed")

            outcomes = [run.outcome for run in stand.runs(release)]
            assert outcomes == [StageOutcome.ACTED] * 4 + [StageOutcome.HELD]
            assert [change.key for change in stand.changes(release)] == [f"{release.id}/{visit}/1" for visit in (1, 2, 3, 4)]
            assert completed.ended_at
            assert (await stand.handle(release).result()) == {"status": "completed"}

    asyncio.run(climb())


def test_a_flag_enters_its_first_stage_when_its_workflow_starts(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Development", wait="1h")))
            release = await stand.add()
            before_any_worker = stand.record(release)
            await asyncio.sleep(1.5)

            async with stand.worker():
                place = ReleasePlace.model_validate(await stand.handle(release).query("place"))

            assert before_any_worker.status == "running"
            assert place.entered_at == before_any_worker.entered_at
            assert place.acts_at == before_any_worker.acts_at
            assert stand.runs(release)[0].acts_at == place.acts_at

    asyncio.run(story())
