"""Rolling back what has ended, and what else ends it: a workflow of its own does it, and a cancel or a terminate gives it up."""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from tests.workflows.harness import real_stand
from tests.workflows.rollbacks import ask, completed, roll_back, rollback_of
from tests.workflows.test_blocked import change_by_hand
from tests.workflows.test_controls import in_staging
from tests.workflows.test_web_ui import summaries
from workflows.search_attributes import FEATURE, STATUS
from workflows.service.reconciler import Reconciler


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
            assert "To be rolled back for good, as requested by olivia" in await summaries(handle)
            found = description.typed_search_attributes
            assert (found[FEATURE], found[STATUS]) == ("checkout", "rolled_back")

    asyncio.run(story())


def test_an_errand_that_is_run_twice_rolls_back_once(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await completed(stand)
            asked = ask(stand, release)
            assert asked.rollback
            entries = [stand.delivery._lease()[0]] * 2

            for entry in entries:
                await stand.delivery._run(entry)

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
            assert (last.event, last.actor.kind) == (AuditEvent.RELEASE_NOT_ROLLED_BACK, "temporal")
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
            assert stand.audit(release)[-1].event is AuditEvent.RELEASE_NOT_ROLLED_BACK

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
            assert stand.record(waiting).status == "rolling_back", "its entry is still to be run"
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
