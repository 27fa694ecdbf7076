"""The record wins: workflows that were reset, restored or terminated change nothing a second time."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.store.database import Database
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.pipelines import hold, pipeline, set_value, stage
from tests.waiting import CEILING, wait_until
from tests.workflows.gates import until_blocked
from tests.workflows.harness import Stand, real_stand
from tests.workflows.test_controls import pause, place_of, steer, until_paused
from tests.workflows.test_ending import until_closed
from tests.world import NOW
from workflows.messages import RELEASE, ROLL_OVER, TASK_QUEUE, release_input
from workflows.service.reconciler import Reconciler

THREE = pipeline(
    stage("Development", actions=[set_value("one")]),
    stage("Staging", "staging", "1s", actions=[set_value("two")]),
    stage("Production", "production", "1s", actions=[set_value("three")]),
)


async def reset_to_the_start(stand: Stand, release: Release, other: WorkflowHandle[object, object] | None = None) -> None:
    """What a person does in the Web UI: begin again after the first workflow task, the release's workflow or another of it."""
    handle = other or stand.handle(release)
    history = await handle.fetch_history()
    first_task = next(e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    request = ResetWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="a person pressed reset",
        workflow_task_finish_event_id=first_task,
        request_id=str(uuid.uuid4()),
    )
    await stand.env.client.workflow_service.reset_workflow_execution(request, timeout=timedelta(seconds=10))


def effects(stand: Stand, release: Release) -> tuple[object, ...]:
    """Everything that a second effect would change."""
    return stand.record(release), stand.runs(release), stand.changes(release), stand.audit(release)


def test_a_workflow_reset_half_way_makes_no_change_again_and_goes_on(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(*THREE["stages"], hold("Watch", "1h")))
            release = await stand.add()
            await stand.until(release, "running", stage="Watch")
            before = effects(stand, release)

            await reset_to_the_start(stand, release)
            await stand.until_waiting(release)
            assert effects(stand, release) == before

            await steer(stand, release, Control.ADVANCE)
            await stand.until(release, "completed")
            assert len(stand.changes(release)) == 3

    asyncio.run(story())


def test_a_workflow_reset_after_completion_ends_again_without_acting(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(THREE)
            release = await stand.add()
            await stand.until(release, "completed")
            await stand.handle(release).result()
            before = effects(stand, release)

            await reset_to_the_start(stand, release)

            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "completed"}
            assert effects(stand, release) == before

    asyncio.run(story())


def test_a_workflow_reset_after_completion_ends_again_also_where_it_does_not_come_to_its_last_stage(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development"), hold("Watch", "1s"), hold("Watch on", "1s"), hold("Watch longer", "1s")))
            release = await stand.add()
            await stand.until(release, "completed")
            await stand.handle(release).result()
            before = effects(stand, release)

            await reset_to_the_start(stand, release)

            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "completed"}
            assert effects(stand, release) == before

    asyncio.run(story())


def test_a_workflow_reset_after_removal_never_acts(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(THREE)
            release = await stand.add()
            await stand.until(release, "running", stage="Staging")
            with sqlite.transaction() as store:
                remove_release(store, stand.world.caller, stand.world.project, EndOrPauseRelease(release=release.id), NOW)
            before = effects(stand, release)

            await reset_to_the_start(stand, release)

            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "removed"}
            assert effects(stand, release) == before
            assert stand.world.flag("staging").value == "classic"

    asyncio.run(story())


def test_a_workflow_that_the_record_is_ahead_of_blocks_and_asks_a_person(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            holds = [hold("Watch", "1s"), hold("Watch on", "1s"), hold("Watch longer", "1h")]
            stand.world.publish(pipeline(stage("Development", actions=[set_value("one")]), *holds))
            release = await stand.add()
            await stand.until(release, "running", stage="Watch longer")

            await reset_to_the_start(stand, release)

            blocked = await stand.until(release, "blocked")
            assert blocked.blocked
            assert (blocked.blocked.code, blocked.stage) == ("superseded", "Watch longer")
            assert len(stand.changes(release)) == 1

            await steer(stand, blocked, Control.RETRY)
            await stand.until(release, "completed")

    asyncio.run(story())


def test_a_control_sent_before_a_reset_is_not_carried_out_again_where_the_record_is_ahead(sqlite: Database) -> None:
    """Temporal applies signals and updates anew after a reset."""

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(hold("Watch", "1h"), hold("Watch on", "1h"), hold("Watch longer", "1h")))
            release = stand.world.add()
            await pause(stand, release)
            await until_paused(stand, release)
            await steer(stand, release, Control.SKIP)

            await reset_to_the_start(stand, release)

            blocked = await stand.until(release, "blocked")
            await until_blocked(stand, release)
            assert stand.record(release) == blocked
            assert (blocked.stage, blocked.visit) == ("Watch on", 2)

    asyncio.run(story())


async def paused_in_its_second_run(stand: Stand) -> Release:
    """A release whose workflow continued as new while it was paused."""
    stand.world.publish(pipeline(hold("Watch", "1h"), hold("Watch on", "1h"), hold("Watch longer", "1h")))
    release = await stand.add()
    await pause(stand, release)
    await until_paused(stand, release)
    first_run = (await stand.handle(release).describe()).run_id
    await stand.handle(release).signal(ROLL_OVER)

    async def has_rolled_over() -> bool:
        return (await stand.handle(release).describe()).run_id != first_run

    await wait_until("the next run", has_rolled_over)
    return stand.record(release)


def test_a_workflow_that_began_paused_is_blocked_and_no_longer_paused_where_the_record_is_ahead(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await paused_in_its_second_run(stand)
            for visit in (1, 2):
                await steer(stand, release, Control.SKIP, f"skip visit {visit}", expected=Expected(visit=visit))

            await reset_to_the_start(stand, release)

            await stand.until(release, "blocked")
            await until_blocked(stand, release)
            place = await place_of(stand, release)
            assert (place["visit"], place["paused"]) == (3, None)

    asyncio.run(story())


def test_a_release_that_was_resumed_and_paused_again_stays_paused_when_its_workflow_is_reset(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await paused_in_its_second_run(stand)
            await steer(stand, release, Control.RESUME, expected=Expected(visit=1))
            await pause(stand, release)
            await until_paused(stand, release)
            paused = stand.record(release)

            await reset_to_the_start(stand, release)
            await stand.releases.look_again(release.workflow_id)
            await until_paused(stand, release)

            assert stand.record(release) == paused
            assert (await place_of(stand, release))["paused"] is not None

    asyncio.run(story())


def test_a_workflow_terminated_with_a_change_in_flight_has_one_effect_and_one_end(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Development"), stage("Production", "production", "1s")))
            release = await stand.add()

            with sqlite.transaction():
                await workers.enter_async_context(stand.worker())
                await stand.until_acting(release)
                await stand.handle(release).terminate("by a person")
            await stand.until(release, "running", stage="Production")
            reconciler = Reconciler(sqlite, stand.releases)
            await until_closed(stand, release, reconciler)
            await asyncio.sleep(1.5)

            assert stand.record(release).status == "terminated"
            assert [change.stage for change in stand.changes(release)] == ["Development"]
            assert not stand.world.flag("production").enabled

    asyncio.run(story())


def test_a_change_that_comes_after_the_reconciler_closed_the_record_writes_nothing(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Development")))
            release = await stand.add()
            await stand.handle(release).terminate("by a person")
            reconciler = Reconciler(sqlite, stand.releases)
            await until_closed(stand, release, reconciler)
            before = effects(stand, release)

            await start_again(stand, release)
            async with stand.worker():
                assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "terminated"}

            assert effects(stand, release) == before
            assert not stand.world.flag("development").enabled

    asyncio.run(story())


async def start_again(stand: Stand, release: Release) -> None:
    """What a restored Temporal may do: run a workflow that had ended."""
    with stand.world.database.reading() as store:
        message = release_input(release, store.pipelines.version(release.pipeline.id))
    policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    await stand.env.client.start_workflow(RELEASE, message, id=release.workflow_id, task_queue=TASK_QUEUE, id_reuse_policy=policy)
