"""Rolling back: the record takes it, and a workflow carries it out; also while a stage acts, and after the release has ended."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from activities.rolling_back import RollBackRelease, roll_back_release
from activities.store.database import Database
from domain.access import Caller
from domain.audit import Event
from domain.control import Control, Expected
from domain.errors import ControlNotAllowed, StageMoved
from domain.patch import FlagPatch
from domain.release import Release
from domain.status import StageOutcome
from tests.activities.test_putting_back import erin, revoke
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.workflows.stand import Stand, real_stand
from tests.workflows.test_blocked import change_by_hand
from tests.workflows.test_controls import THREE, in_staging, nobody_changes_flags, pause, place_of, steer, until_paused
from tests.workflows.test_ending import remove
from tests.workflows.test_fence import effects, reset_to_the_start
from tests.workflows.test_web_ui import details, summaries
from workflows.reconciler import Reconciler
from workflows.search import FEATURE, STATUS

SHORT = pipeline(stage("Development", actions=[enable(), set_value("one")]))


def ask(stand: Stand, release: Release, **wanted: object) -> Release:
    """Ask as the API does, by the record alone."""
    return roll_back_as(stand, release, stand.world.caller, **wanted)


def roll_back_as(stand: Stand, release: Release, caller: Caller, **wanted: object) -> Release:
    with stand.world.database.transaction() as store:
        message = RollBackRelease.model_validate({"release": release.id, "reason": "it fails"} | wanted)
        return roll_back_release(store, caller, stand.world.project, message, datetime.now(tz=UTC))


async def roll_back(stand: Stand, release: Release, **wanted: object) -> Release:
    asked = ask(stand, release, **wanted)
    await stand.delivery.deliver()
    return asked


def rollback_of(stand: Stand, release: Release) -> WorkflowHandle[object, object]:
    """The workflow that rolls back a release which had ended."""
    return stand.env.client.get_workflow_handle(stand.record(release).rollback_workflow_id)


async def completed(stand: Stand) -> Release:
    stand.world.publish(SHORT)
    release = await stand.add()
    await stand.until(release, "completed")
    await stand.handle(release).result()
    return stand.record(release)


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
            assert "To be rolled back for good as olivia asked" in said
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


def test_a_release_that_had_ended_is_rolled_back_by_a_workflow_of_its_own_that_reads_well(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await completed(stand)
            change_by_hand(stand.world, FlagPatch(value="by hand"), "development")

            await roll_back(stand, release)

            handle = rollback_of(stand, release)
            assert handle.id == f"release/shop/checkout/{release.id}/rollback/1"
            assert await asyncio.wait_for(handle.result(), 20) == {"status": "rolled_back"}
            flag = stand.world.flag("development")
            assert (flag.enabled, flag.value) == (False, "by hand")
            now = stand.record(release)
            assert now.rollback
            assert (now.status, [left.field for left in now.rollback.left_alone]) == ("rolled_back", ["value"])
            description = await handle.describe()
            assert await description.static_summary() == "checkout: what Standard v1 changed is put back"
            started = await description.static_details() or ""
            assert "asked by olivia" in started
            assert "Reason: it fails" in started
            assert "it was completed" in started
            assert "To be rolled back for good as olivia asked" in await summaries(handle)
            found = description.typed_search_attributes
            assert (found[FEATURE], found[STATUS]) == ("checkout", "rolled_back")

    asyncio.run(story())


def test_an_errand_that_is_run_twice_rolls_back_once(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await completed(stand)
            asked = ask(stand, release)
            assert asked.rollback
            errands = [stand.delivery._lease()[0]] * 2

            for errand in errands:
                await stand.delivery._run(errand)

            await stand.until(release, "rolled_back")
            assert len(stand.changes(release)) == 2

    asyncio.run(story())


def test_a_rollback_that_is_cancelled_at_temporal_before_anything_was_put_back_is_given_up(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                release = await completed(stand)
            await roll_back(stand, release)
            handle = rollback_of(stand, release)
            await handle.cancel()

            async with stand.worker():
                with pytest.raises(WorkflowFailureError) as failed:
                    await asyncio.wait_for(handle.result(), 20)

            assert isinstance(failed.value.cause, CancelledError)
            assert stand.record(release).status == "completed"
            assert stand.record(release).ended_at == release.ended_at
            last = stand.audit(release)[-1]
            assert (last.event, last.actor.kind) == (Event.RELEASE_NOT_ROLLED_BACK, "temporal")
            assert stand.world.flag("development").value == "one"
            async with stand.worker():
                await roll_back(stand, release)
                await stand.until(release, "rolled_back")

    asyncio.run(story())


def test_a_cancel_while_it_is_being_put_back_comes_too_late(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                release = await completed(stand)
            await roll_back(stand, release)
            handle = rollback_of(stand, release)
            async with stand.worker():
                with sqlite.transaction():  # Whoever wants to write has to wait.
                    await stand.until_acting(release, handle)
                    await handle.cancel()
                    await asyncio.sleep(0.5)

                assert await asyncio.wait_for(handle.result(), 20) == {"status": "rolled_back"}
            assert stand.record(release).status == "rolled_back"

    asyncio.run(story())


def test_a_rollback_whose_workflow_was_terminated_is_given_up_by_the_reconciler(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                release = await completed(stand)
            await roll_back(stand, release)
            await rollback_of(stand, release).terminate("by a person")
            reconciler = Reconciler(sqlite, stand.releases)
            for _ in range(50):
                await reconciler.reconcile()
                if stand.record(release).is_finished:
                    break
                await asyncio.sleep(0.1)

            assert stand.record(release).status == "completed"
            assert stand.audit(release)[-1].event is Event.RELEASE_NOT_ROLLED_BACK

            async with stand.worker():
                await roll_back(stand, release)
                assert await asyncio.wait_for(rollback_of(stand, release).result(), 20) == {"status": "rolled_back"}

    asyncio.run(story())


def test_a_release_removed_at_temporal_and_then_rolled_back_is_not_closed_for_its_own_workflow(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
                await stand.handle(waiting).cancel()
                await stand.until(waiting, "removed")
            ask(stand, waiting)
            reconciler = Reconciler(sqlite, stand.releases)
            await reconciler.reconcile()
            assert stand.record(waiting).status == "rolling_back", "its errand is still to be run"
            await stand.delivery.deliver()
            await asyncio.sleep(1)
            await reconciler.reconcile()
            assert stand.record(waiting).status == "rolling_back", "nobody has ended the workflow that moves it now"

            async with stand.worker():
                await stand.until(waiting, "rolled_back")
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_a_release_under_way_whose_workflow_is_terminated_while_it_is_rolled_back_ends_and_can_be_rolled_back(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
            await roll_back(stand, waiting)
            await stand.handle(waiting).terminate("by a person")
            reconciler = Reconciler(sqlite, stand.releases)
            while not stand.record(waiting).is_finished:
                await reconciler.reconcile()
                await asyncio.sleep(0.1)
            assert stand.record(waiting).status == "terminated"

            async with stand.worker():
                await roll_back(stand, waiting)
                await stand.until(waiting, "rolled_back")
            assert rollback_of(stand, waiting).id.endswith("/rollback/2")
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_a_removal_calls_off_a_rollback_that_cannot_be_made(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            waiting = await in_staging(stand)
            with nobody_changes_flags(database):
                await roll_back(stand, waiting)
                await stand.until_acting(waiting)
                remove(stand, waiting)
                await stand.delivery.deliver()
                await asyncio.sleep(1)

            assert await asyncio.wait_for(stand.handle(waiting).result(), 30) == {"status": "removed"}
            assert stand.world.flag("development").value == "one"

    asyncio.run(story())
    database.close()


def test_workflows_that_are_reset_after_a_rollback_never_act_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await completed(stand)
            await roll_back(stand, release)
            handle = rollback_of(stand, release)
            await handle.result()
            before = effects(stand, release)

            await reset_to_the_start(stand, release)
            await reset_to_the_start(stand, release, handle)

            assert await asyncio.wait_for(stand.handle(release).result(), 20) == {"status": "completed"}, "as it told then"
            assert await asyncio.wait_for(rollback_of(stand, release).result(), 20) == {"status": "rolled_back"}
            assert effects(stand, release) == before
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_a_workflow_reset_after_a_rollback_to_a_stage_finds_itself_paused_there(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            await roll_back(stand, waiting, to_stage="Development")
            await stand.until(waiting, "paused")
            await asyncio.wait_for(until_paused(stand, waiting), 10)
            before = effects(stand, waiting)

            await reset_to_the_start(stand, waiting)
            await asyncio.sleep(1.5)

            assert effects(stand, waiting) == before
            place = await place_of(stand, waiting)
            assert (place["visit"], place["rollback"], place["paused"] is not None) == (3, None, True)
            await steer(stand, waiting, Control.RESUME)

    asyncio.run(story())


def test_a_rollback_asked_of_a_workflow_that_continues_as_new_is_carried_out_by_the_next_run(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
                await pause(stand, waiting)
            await roll_back(stand, waiting, to_stage="Development")
            await stand.handle(waiting).signal("roll_over")

            async with stand.worker(max_cached_workflows=0):
                back = await stand.until(waiting, "paused")
                assert (back.stage, back.visit) == ("Staging", waiting.visit + 1)
                resumed = await steer(stand, back, Control.RESUME)
                await steer(stand, resumed, Control.ADVANCE)
                await stand.until(waiting, "completed")

    asyncio.run(story())


def test_a_right_that_is_gone_blocks_it_and_whoever_retries_has_it_rolled_back(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
            caller = erin(stand.world)
            roll_back_as(stand, waiting, caller)
            revoke(stand.world, caller)
            await stand.delivery.deliver()

            async with stand.worker():
                blocked = await stand.until(waiting, "blocked")
                assert blocked.blocked
                assert blocked.blocked.code == "right_missing"
                assert stand.world.flag("development").value == "one"
                retried = await steer(stand, blocked, Control.RETRY)
                assert retried.status in ("rolling_back", "rolled_back")
                await stand.until(waiting, "rolled_back")
                assert "asked by olivia" in await details(stand.handle(waiting))
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())


def test_whoever_skips_a_stage_whose_rollback_was_refused_gives_the_rollback_up(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                waiting = await in_staging(stand)
            caller = erin(stand.world)
            roll_back_as(stand, waiting, caller)
            revoke(stand.world, caller)
            await stand.delivery.deliver()

            async with stand.worker():
                blocked = await stand.until(waiting, "blocked")
                await steer(stand, blocked, Control.SKIP)
                done = await stand.until(waiting, "completed")
            assert done.rollback
            assert done.rollback.state == "given_up"
            assert stand.world.flag("development").value == "one"

    asyncio.run(story())


def test_a_control_that_comes_while_it_is_put_back_waits_for_the_outcome(postgresql_url: str) -> None:
    """The record shows the outcome a moment before the workflow knows it, and people go by the record."""
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            waiting = await in_staging(stand)
            with nobody_changes_flags(database):
                await roll_back(stand, waiting, to_stage="Development")
                await stand.until_acting(waiting)
                resuming = asyncio.create_task(steer(stand, waiting, Control.RESUME, expected=Expected(visit=waiting.visit + 1)))
                advancing = asyncio.create_task(steer(stand, waiting, Control.ADVANCE, expected=Expected(visit=waiting.visit)))
                await asyncio.sleep(1)

            assert (await resuming).visit == waiting.visit + 1
            with pytest.raises((StageMoved, ControlNotAllowed)):  # Whichever of the two came first.
                await advancing
            assert stand.record(waiting).status == "running"

    asyncio.run(story())
    database.close()


def test_a_control_that_comes_while_it_is_put_back_for_good_is_refused(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            with sqlite.transaction() as store:
                message = RollBackRelease(release=waiting.id)
                roll_back_release(store, stand.world.caller, stand.world.project, message, datetime.now(tz=UTC))
            with sqlite.transaction():  # Whoever wants to write has to wait.
                await stand.releases.look_again(waiting.workflow_id)
                await stand.until_acting(waiting)
                skipping = asyncio.create_task(steer(stand, waiting, Control.SKIP))
                await asyncio.sleep(0.5)

            with pytest.raises(ControlNotAllowed) as refused:
                await skipping
            assert refused.value.details["status"] == "rolled_back"

    asyncio.run(story())
