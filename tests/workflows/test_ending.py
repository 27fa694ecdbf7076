"""How a release ends before its last stage: removed here, or ended at Temporal."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.store.database import Database
from domain.audit import AuditEvent
from domain.errors import ControlNotAllowed
from domain.flags.patch import FlagPatch
from domain.releases.control import Control
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from tests.pipelines import pipeline, set_value, stage
from tests.waiting import CEILING, wait_until
from tests.workflows.harness import Stand, real_stand
from tests.workflows.test_blocked import by_olivia, change_by_hand
from tests.world import NOW
from workflows.service.reconciler import Reconciler

LONG = pipeline(stage("Development"), stage("Production", "production", "7d"))


def remove(stand: Stand, release: Release) -> None:
    with stand.world.database.transaction() as store:
        remove_release(store, stand.world.caller, stand.world.project, EndOrPauseRelease(release=release.id), NOW)


def test_a_removed_release_ends_its_workflow(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(LONG)
            release = await stand.add()
            await stand.until(release, "running", stage="Production")

            remove(stand, release)
            await stand.delivery.deliver()

            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "removed"}
            assert [run.outcome for run in stand.runs(release)] == [StageOutcome.ACTED, StageOutcome.REMOVED]
            assert stand.world.flag("development").enabled, "what was changed stays"
            assert {"event": "release.removed", "by": "olivia", "reason": None} in await signals(stand, release)

    asyncio.run(story())


async def signals(stand: Stand, release: Release) -> list[object]:
    """What the Temporal Web UI shows of the signals that the workflow had."""
    events = (await stand.handle(release).fetch_history()).events
    payloads = [event.workflow_execution_signaled_event_attributes.input.payloads for event in events]
    return [json.loads(payload.data) for each in payloads for payload in each]


def test_a_release_removed_before_temporal_heard_of_it_is_never_started(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(LONG)
            release = stand.world.add()
            remove(stand, release)

            await stand.delivery.deliver()
            await stand.delivery.deliver()

            assert (await stand.releases.fate(release.workflow_id)).what == "gone"
            assert not stand.world.flag("development").enabled
            with sqlite.reading() as store:
                assert not store.outbox.has_work(NOW)

    asyncio.run(story())


def test_a_cancel_at_temporal_means_remove_and_is_recorded_as_such(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(LONG)
            release = await stand.add()
            await stand.until(release, "running", stage="Production")

            await stand.handle(release).cancel()

            await stand.until(release, "removed")
            with pytest.raises(WorkflowFailureError) as failed:
                await stand.handle(release).result()
            assert isinstance(failed.value.cause, CancelledError)
            last = stand.audit(release)[-1]
            assert (last.event, last.actor.kind) == (AuditEvent.RELEASE_REMOVED, "temporal")

    asyncio.run(story())


def test_a_change_in_flight_finishes_before_a_cancel_removes_the_release(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Development"), stage("Production", "production", "7d")))
            release = await stand.add()

            with sqlite.transaction():  # Every other writer has to wait.
                await workers.enter_async_context(stand.worker())
                await stand.until_acting(release)
                await stand.handle(release).cancel()
                await stand.until_event(stand.handle(release), EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)

            removed = await stand.until(release, "removed")
            assert [run.outcome for run in stand.runs(release)] == [StageOutcome.ACTED, StageOutcome.REMOVED]
            assert removed.stage == "Production"
            assert stand.world.flag("development").enabled
            with pytest.raises(WorkflowFailureError):
                await stand.handle(release).result()

    asyncio.run(story())


def test_a_cancel_after_the_last_change_leaves_the_release_completed(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Development")))
            release = await stand.add()

            with sqlite.transaction():
                await workers.enter_async_context(stand.worker())
                await stand.until_acting(release)
                await stand.handle(release).cancel()
                await stand.until_event(stand.handle(release), EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)

            await stand.until(release, "completed")
            assert await stand.handle(release).result() == {"status": "completed"}

    asyncio.run(story())


def test_a_control_that_comes_together_with_a_cancel_is_answered_and_the_workflow_ends(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            async with stand.worker():
                stand.world.publish(LONG)
                release = await stand.add()
                waiting = await stand.until(release, "running", stage="Production")
                await stand.until_waiting(release)
            skipping = asyncio.create_task(stand.until_answered(waiting, Control.SKIP, by_olivia(stand), "skip"))

            async def has_a_task() -> bool:
                return (await stand.handle(release).describe()).raw_description.HasField("pending_workflow_task")

            await wait_until("the control to reach Temporal", has_a_task)
            await stand.handle(release).cancel()

            async with stand.worker():
                with pytest.raises(ControlNotAllowed):
                    await skipping
                with pytest.raises(WorkflowFailureError):
                    await asyncio.wait_for(stand.handle(release).result(), CEILING)
            assert stand.record(release).status == "removed"
            assert not stand.world.flag("production").enabled

    asyncio.run(story())


async def forget(stand: Stand, release: Release) -> None:
    """Let Temporal know nothing of a release any more."""
    execution = WorkflowExecution(workflow_id=release.workflow_id)
    request = DeleteWorkflowExecutionRequest(namespace="default", workflow_execution=execution)
    await stand.env.client.workflow_service.delete_workflow_execution(request)

    async def is_gone() -> bool:
        return (await stand.releases.fate(release.workflow_id)).what == "gone"

    await wait_until("Temporal to forget it", is_gone)


async def until_closed(stand: Stand, release: Release, reconciler: Reconciler) -> None:
    """Reconcile until the release is finished: Temporal lists a workflow as ended a moment after it did."""

    async def is_closed() -> bool:
        await reconciler.reconcile()
        return stand.record(release).is_finished

    await wait_until("the reconciler to close the release", is_closed)


def test_a_release_whose_workflow_temporal_has_forgotten_is_closed_even_while_it_is_blocked(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", actions=[set_value("new")])))
            stand.world.publish(LONG | {"key": "long"})
            stand.world.add_feature("search")
            other = await stand.add(feature="search", pipeline="long")
            release = stand.world.add()
            change_by_hand(stand.world, FlagPatch(value="by hand"), "development")
            await stand.delivery.deliver()
            await stand.until(release, "blocked")
            await forget(stand, release)

            await Reconciler(sqlite, stand.releases).reconcile()

            assert stand.record(release).status == "terminated"
            assert stand.audit(release)[-1].event is AuditEvent.RELEASE_TERMINATED
            assert not stand.record(other).is_finished

    asyncio.run(story())


def test_no_release_is_closed_because_temporal_knows_none_of_them(sqlite: Database) -> None:
    """A worker that was pointed at the wrong namespace must not end everything."""

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(LONG)
            release = await stand.add()
            await stand.until(release, "running", stage="Production")
            await forget(stand, release)

            await Reconciler(sqlite, stand.releases).reconcile()

            assert stand.record(release).status == "running"

    asyncio.run(story())


def test_a_workflow_terminated_at_temporal_is_closed_by_the_reconciler(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(LONG)
            release = await stand.add()
            await stand.until(release, "running", stage="Production")
            reconciler = Reconciler(sqlite, stand.releases)
            await reconciler.reconcile()
            assert stand.record(release).status == "running"

            await stand.handle(release).terminate("by a person")
            await until_closed(stand, release, reconciler)

            assert stand.record(release).status == "terminated"
            assert stand.audit(release)[-1].event is AuditEvent.RELEASE_TERMINATED
            assert stand.world.add().id != release.id, "the flag is free for another release"

    asyncio.run(story())
