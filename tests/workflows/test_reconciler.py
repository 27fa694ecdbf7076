"""The reconciler closes the record of releases whose workflow was closed externally or lost."""

import asyncio

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from tests.pipelines import pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import add_and_change_by_hand
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.reconciling import reconcile_until_finished
from workflows.service.reconciler import Reconciler

LONG = pipeline(stage("Development"), stage("Production", "production", "7d"))


async def delete_workflow(harness: Harness, release: Release) -> None:
    """Delete the workflow of a release at Temporal."""
    execution = WorkflowExecution(workflow_id=release.workflow_id)
    request = DeleteWorkflowExecutionRequest(namespace="default", workflow_execution=execution)
    await harness.env.client.workflow_service.delete_workflow_execution(request)

    async def is_gone() -> bool:
        return (await harness.releases.describe(release.workflow_id)).state == "gone"

    await wait_until("the workflow to be deleted", is_gone)


def test_release_is_closed_when_temporal_has_lost_its_workflow_even_while_blocked(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", actions=[set_value("new")])))
            harness.world.publish(LONG | {"key": "long"})
            harness.world.add_feature("search")
            other = await harness.add(feature="search", pipeline="long")
            release = await add_and_change_by_hand(harness, FlagPatch(value="by hand"), "development")
            await harness.until(release, "blocked")
            await delete_workflow(harness, release)

            await Reconciler(sqlite, harness.releases).reconcile()

            assert harness.record(release).status == "terminated"
            assert harness.audit(release)[-1].event is AuditEvent.RELEASE_TERMINATED
            assert not harness.record(other).is_finished

    asyncio.run(scenario())


def test_no_release_is_closed_when_the_namespace_has_none_of_them(sqlite: Database) -> None:
    """A worker that is pointed at the wrong namespace must not end every release."""

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(LONG)
            release = await harness.add()
            await harness.until(release, "running", stage="Production")
            await delete_workflow(harness, release)

            await Reconciler(sqlite, harness.releases).reconcile()

            assert harness.record(release).status == "running"

    asyncio.run(scenario())


def test_release_is_closed_when_its_workflow_was_terminated(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(LONG)
            release = await harness.add()
            await harness.until(release, "running", stage="Production")
            await Reconciler(sqlite, harness.releases).reconcile()
            assert harness.record(release).status == "running"

            await harness.handle(release).terminate("by a person")
            await reconcile_until_finished(harness, release)

            assert harness.record(release).status == "terminated"
            assert harness.audit(release)[-1].event is AuditEvent.RELEASE_TERMINATED
            assert harness.world.add().id != release.id, "the flag is free for a new release"

    asyncio.run(scenario())
