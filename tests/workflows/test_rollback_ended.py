"""Rollbacks of ended releases by a workflow of their own, and rollbacks that are given up by a cancel or terminate."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from tests.waiting import wait_until
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import change_by_hand, waiting_in_staging
from tests.workflows.harness import dev_server_harness
from tests.workflows.reconciling import reconcile_until_finished
from tests.workflows.rollbacks import completed_release, request, roll_back, rollback_handle
from tests.workflows.web_ui import summaries
from workflows.search_attributes import FEATURE, STATUS
from workflows.service.reconciler import Reconciler


def test_ended_release_is_rolled_back_by_a_workflow_of_its_own_with_readable_texts(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await completed_release(harness)
            change_by_hand(harness.world, FlagPatch(value="by hand"), "development")

            await roll_back(harness, release)

            handle = rollback_handle(harness, release)
            assert handle.id == f"release/shop/checkout/{release.id}/rollback/1"
            assert await harness.result(handle) == {"status": "rolled_back"}
            flag = harness.world.flag("development")
            assert (flag.enabled, flag.value) == (False, "by hand")
            record = harness.record(release)
            assert record.rollback
            assert (record.status, [left.field for left in record.rollback.left_alone]) == ("rolled_back", ["value"])
            description = await handle.describe()
            assert await description.static_summary() == "Rollback of checkout in Standard v1"
            details = await description.static_details() or ""
            assert "**Roll back** all changes, requested by olivia at" in details
            assert "Reason: it fails" in details
            assert f"Before the rollback, release {release.id} was completed." in details
            assert "Roll back all changes, requested by olivia" in await summaries(handle)
            found = description.typed_search_attributes
            assert (found[FEATURE], found[STATUS]) == ("checkout", "rolled_back")

    asyncio.run(scenario())


def test_outbox_entry_that_runs_twice_rolls_back_once(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await completed_release(harness)
            assert request(harness, release).rollback
            [entry] = harness.relay._lease()

            for _ in range(2):
                await harness.relay._run(entry)

            await harness.until(release, "rolled_back")
            assert len(harness.changes(release)) == 2

    asyncio.run(scenario())


def test_rollback_cancelled_at_temporal_before_it_was_carried_out_is_given_up(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                release = await completed_release(harness)
            await roll_back(harness, release)
            handle = rollback_handle(harness, release)
            await handle.cancel()

            async with harness.worker():
                with pytest.raises(WorkflowFailureError) as failed:
                    await harness.result(handle)

            assert isinstance(failed.value.cause, CancelledError)
            assert harness.record(release).status == "completed"
            assert harness.record(release).ended_at == release.ended_at
            last = harness.audit(release)[-1]
            assert (last.event, last.actor.kind) == (AuditEvent.RELEASE_NOT_ROLLED_BACK, "temporal")
            assert harness.world.flag("development").value == "one"
            async with harness.worker():
                await roll_back(harness, release)
                await harness.until(release, "rolled_back")

    asyncio.run(scenario())


def test_cancel_while_the_rollback_is_carried_out_comes_too_late(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts("put_back")
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            release = await completed_release(harness)
            await roll_back(harness, release)
            handle = rollback_handle(harness, release)
            await attempts.until_held()
            await handle.cancel()
            await harness.until_attempt_cancelled(handle)
            attempts.release()

            assert await harness.result(handle) == {"status": "rolled_back"}
            assert harness.record(release).status == "rolled_back"

    asyncio.run(scenario())


def test_reconciler_gives_up_a_rollback_whose_workflow_was_terminated(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                release = await completed_release(harness)
            await roll_back(harness, release)
            await rollback_handle(harness, release).terminate("by a person")
            await reconcile_until_finished(harness, release)

            assert harness.record(release).status == "completed"
            assert harness.audit(release)[-1].event is AuditEvent.RELEASE_NOT_ROLLED_BACK

            async with harness.worker():
                await roll_back(harness, release)
                assert await harness.result(rollback_handle(harness, release)) == {"status": "rolled_back"}

    asyncio.run(scenario())


def test_reconciler_does_not_close_a_rollback_because_of_the_release_workflow_that_was_cancelled_before(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                waiting = await waiting_in_staging(harness)
                await harness.handle(waiting).cancel()
                with pytest.raises(WorkflowFailureError):
                    await harness.result(harness.handle(waiting))
            assert harness.record(waiting).status == "removed"
            request(harness, waiting)
            yesterday = datetime.now(UTC) - timedelta(days=1)

            async def is_listed() -> bool:
                return waiting.workflow_id in [workflow_id async for workflow_id in harness.releases.closed_externally(yesterday)]

            await wait_until("Temporal to list the cancelled workflow", is_listed)
            reconciler = Reconciler(sqlite, harness.releases)
            await reconciler.reconcile()
            assert harness.record(waiting).status == "rolling_back", "its outbox entry is pending"
            await harness.run_outbox()
            await reconciler.reconcile()
            assert harness.record(waiting).status == "rolling_back", "the workflow that moves it now is running"

            async with harness.worker():
                await harness.until(waiting, "rolled_back")
            assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())


def test_release_whose_workflow_is_terminated_during_its_rollback_ends_and_can_be_rolled_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                waiting = await waiting_in_staging(harness)
            await roll_back(harness, waiting)
            await harness.handle(waiting).terminate("by a person")
            await reconcile_until_finished(harness, waiting)
            assert harness.record(waiting).status == "terminated"

            async with harness.worker():
                await roll_back(harness, waiting)
                await harness.until(waiting, "rolled_back")
            assert rollback_handle(harness, waiting).id.endswith("/rollback/2")
            assert harness.world.flag("development").value == "classic"

    asyncio.run(scenario())
