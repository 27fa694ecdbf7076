"""Releases that end before their last stage: removed, or closed at Temporal."""

import asyncio
import json

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.errors import ControlNotAllowed
from domain.releases.control import Control
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from tests.pipelines import pipeline, stage
from tests.workflows.attempts import HeldAttempts
from tests.workflows.controls import remove, send, until_admitted
from tests.workflows.harness import Harness, dev_server_harness
from tests.world import NOW

LONG = pipeline(stage("Development"), stage("Production", "production", "7d"))


async def signals(harness: Harness, release: Release) -> list[object]:
    """Return the arguments of the signals in the workflow's history."""
    events = (await harness.handle(release).fetch_history()).events
    payloads = [event.workflow_execution_signaled_event_attributes.input.payloads for event in events]
    return [json.loads(payload.data) for each in payloads for payload in each]


def test_removing_a_release_ends_its_workflow(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(LONG)
            release = await harness.add()
            await harness.until(release, "running", stage="Production")

            remove(harness, release)
            await harness.run_outbox()

            assert await harness.result(harness.handle(release)) == {"status": "removed"}
            assert [run.outcome for run in harness.runs(release)] == [StageOutcome.ACTED, StageOutcome.REMOVED]
            assert harness.world.flag("development").enabled, "changes that were made stay"
            assert {"event": "release.removed", "by": "olivia", "reason": None} in await signals(harness, release)

    asyncio.run(scenario())


def test_release_removed_before_its_start_was_delivered_is_never_started(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(LONG)
            release = harness.world.add()
            remove(harness, release)

            await harness.run_outbox()
            await harness.run_outbox()

            assert (await harness.releases.describe(release.workflow_id)).state == "gone"
            assert not harness.world.flag("development").enabled
            with sqlite.reading() as store:
                assert not store.outbox.has_work(NOW)

    asyncio.run(scenario())


def test_cancel_at_temporal_removes_the_release_and_is_recorded(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(LONG)
            release = await harness.add()
            await harness.until(release, "running", stage="Production")

            await harness.handle(release).cancel()

            await harness.until(release, "removed")
            with pytest.raises(WorkflowFailureError) as failed:
                await harness.result(harness.handle(release))
            assert isinstance(failed.value.cause, CancelledError)
            last = harness.audit(release)[-1]
            assert (last.event, last.actor.kind) == (AuditEvent.RELEASE_REMOVED, "temporal")

    asyncio.run(scenario())


def test_change_in_flight_finishes_before_a_cancel_removes_the_release(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts()
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(LONG)
            release = await harness.add()
            await attempts.until_held()
            await harness.handle(release).cancel()
            await harness.until_attempt_cancelled(harness.handle(release))
            attempts.release()

            removed = await harness.until(release, "removed")
            assert [run.outcome for run in harness.runs(release)] == [StageOutcome.ACTED, StageOutcome.REMOVED]
            assert removed.stage == "Production"
            assert harness.world.flag("development").enabled
            with pytest.raises(WorkflowFailureError):
                await harness.result(harness.handle(release))

    asyncio.run(scenario())


def test_cancel_during_the_last_change_leaves_the_release_completed(sqlite: Database) -> None:
    async def scenario() -> None:
        attempts = HeldAttempts()
        async with dev_server_harness(sqlite) as harness, harness.worker(interceptors=[attempts]):
            harness.world.publish(pipeline(stage("Development")))
            release = await harness.add()
            await attempts.until_held()
            await harness.handle(release).cancel()
            await harness.until_attempt_cancelled(harness.handle(release))
            attempts.release()

            await harness.until(release, "completed")
            assert await harness.result(harness.handle(release)) == {"status": "completed"}

    asyncio.run(scenario())


def test_control_that_arrives_together_with_a_cancel_is_refused_and_the_workflow_ends(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            async with harness.worker():
                harness.world.publish(LONG)
                release = await harness.add()
                waiting = await harness.until(release, "running", stage="Production")
                await harness.until_timer_set(release)
            skip = asyncio.create_task(send(harness, waiting, Control.SKIP, "skip"))
            await until_admitted(harness, release, "skip")
            await harness.handle(release).cancel()

            async with harness.worker():
                with pytest.raises(ControlNotAllowed):
                    await skip
                with pytest.raises(WorkflowFailureError):
                    await harness.result(harness.handle(release))
            assert harness.record(release).status == "removed"
            assert not harness.world.flag("production").enabled

    asyncio.run(scenario())
