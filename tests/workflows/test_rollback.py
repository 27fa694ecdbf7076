"""Rolling back: the record takes it, and a workflow carries it out; also while a stage acts."""

import asyncio
from datetime import UTC, datetime, timedelta

from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.status import StageOutcome
from tests.pipelines import hold, pipeline, set_value, stage
from tests.workflows.harness import real_stand
from tests.workflows.rollbacks import SHORT, ask, roll_back
from tests.workflows.test_controls import THREE, in_staging, nobody_changes_flags, steer, until_paused
from tests.workflows.test_web_ui import details, summaries


def test_a_waiting_release_is_rolled_back_for_good_and_its_workflow_ends(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            await roll_back(stand, waiting)

            assert await asyncio.wait_for(stand.handle(waiting).result(), 20) == {"status": "rolled_back"}
            assert stand.record(waiting).status == "rolled_back"
            assert stand.world.flag("development").value == "classic"
            assert [run.outcome for run in stand.runs(waiting)] == [StageOutcome.ROLLED_BACK] * 2
            said = await summaries(stand.handle(waiting))
            assert "To be rolled back for good, as requested by olivia" in said
            ladder = await details(stand.handle(waiting))
            assert "1. **Development** (development): rolled back" in ladder
            assert "asked by olivia" in ladder
            assert stand.world.add().id != waiting.id, "the flag is free for another release"

    asyncio.run(story())


def test_rolled_back_to_a_stage_it_waits_paused_goes_on_when_it_is_resumed_and_can_be_rolled_back_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(*THREE["stages"], hold("Watch", "1h")))
            release = await stand.add()
            waiting = await stand.until(release, "running", stage="Staging")
            await stand.until_waiting(release)
            await steer(stand, waiting, Control.ADVANCE)
            watching = await stand.until(release, "running", stage="Watch")

            await roll_back(stand, watching, to_stage="Development")

            back = await stand.until(release, "paused")
            assert back.paused
            assert (back.stage, back.visit, back.paused.remaining, back.paused.by) == ("Staging", 5, timedelta(hours=1), "olivia")
            assert [stand.world.flag(each).value for each in ("development", "staging", "production")] == ["one", "classic", "classic"]
            await asyncio.wait_for(until_paused(stand, release), 10)
            assert "**Paused** by olivia" in await details(stand.handle(release))

            resumed = await steer(stand, back, Control.RESUME)
            assert resumed.acts_at
            assert resumed.acts_at - datetime.now(tz=UTC) > timedelta(minutes=59)
            await steer(stand, resumed, Control.ADVANCE)
            again = await stand.until(release, "running", stage="Watch")
            assert stand.world.flag("production").value == "three"
            outcomes = [run.outcome.value for run in stand.runs(release)]
            assert outcomes == ["acted", *["rolled_back"] * 3, "acted", "acted", "pending"]

            await roll_back(stand, again)
            await stand.until(release, "rolled_back")
            assert [stand.world.flag(each).value for each in ("development", "staging", "production")] == ["classic"] * 3

    asyncio.run(story())


def test_a_stage_whose_change_cannot_be_made_is_called_off_by_rolling_back(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="2s", actions=[set_value("one")]), stage("Staging", "staging", "1h")))
            release = await stand.add()
            await stand.until(release, "running")
            with nobody_changes_flags(database):
                await stand.until_acting(release)
                await roll_back(stand, release)
                await asyncio.sleep(1)

            await stand.until(release, "rolled_back", seconds=60)
            assert stand.changes(release) == []
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())
    database.close()


def test_a_change_made_while_the_rollback_was_asked_is_undone_too(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="2s", actions=[set_value("one")]), stage("Staging", "staging", "1h")))
            release = await stand.add()
            await stand.until(release, "running")
            with sqlite.transaction():
                await stand.until_acting(release)
                asking = asyncio.create_task(asyncio.to_thread(ask, stand, release))
                await asyncio.sleep(1)
            await asking
            await stand.delivery.deliver()

            await stand.until(release, "rolled_back")
            assert stand.world.flag("development").value == "classic"
            made = [change for change in stand.changes(release) if change.undoes_from is None]
            assert len(stand.changes(release)) == 2 * len(made)

    asyncio.run(story())


def test_a_rollback_asked_while_temporal_knows_nothing_and_no_worker_runs_is_carried_out_once_they_are_there(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(SHORT)
            never_started = stand.world.add()
            ask(stand, never_started)
            await asyncio.sleep(0.5)
            assert stand.record(never_started).status == "rolling_back"

            async with stand.worker():
                await stand.delivery.deliver()
                await stand.until(never_started, "rolled_back")
                assert await asyncio.wait_for(stand.handle(never_started).result(), 10) == {"status": "rolled_back"}
            assert stand.changes(never_started) == []

    asyncio.run(story())
