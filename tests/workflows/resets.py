"""Workflows that run a second time: reset by a person, or started again by a restored Temporal."""

import uuid
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.common import WorkflowIDReusePolicy

from domain.releases.release import Release
from tests.workflows.harness import Handle, Harness
from workflows.messages import RELEASE, TASK_QUEUE, release_input


async def reset(harness: Harness, handle: Handle, *, to_last_task: bool = False) -> None:
    """Reset a workflow to its first or last workflow task, as a person does in the Web UI."""
    history = await handle.fetch_history()
    tasks = [e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    request = ResetWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="a person pressed reset",
        workflow_task_finish_event_id=tasks[-1 if to_last_task else 0],
        request_id=str(uuid.uuid4()),
    )
    await harness.env.client.workflow_service.reset_workflow_execution(request, timeout=timedelta(seconds=60))


async def start_again(harness: Harness, release: Release) -> None:
    """Start the workflow of a release that had ended."""
    with harness.world.database.reading() as store:
        message = release_input(release, store.pipelines.version(release.pipeline.id))
    policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    await harness.env.client.start_workflow(RELEASE, message, id=release.workflow_id, task_queue=TASK_QUEUE, id_reuse_policy=policy)


def recorded_effects(harness: Harness, release: Release) -> tuple[object, ...]:
    """Return everything that a second effect would change."""
    return harness.record(release), harness.runs(release), harness.changes(release), harness.audit(release)
