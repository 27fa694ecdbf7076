"""The workflow that rolls back an ended release."""

import asyncio

from temporalio import workflow

from activities.messages import PutBack, Recorded, RecordProgress, RemovedByTemporal
from domain.releases.status import ReleaseStatus
from workflows.activity_calls import put_back, record_progress
from workflows.messages import ROLLBACK, STARTED_BY, ReleaseResult, RollbackInput
from workflows.search_attributes import STATUS
from workflows.web_ui import rollback_details


@workflow.defn(name=ROLLBACK)
class RollbackWorkflow:
    """Rolls back an ended release. A release under way is rolled back by its own workflow."""

    @workflow.run
    async def run(self, request: RollbackInput) -> ReleaseResult:
        """Roll back, however long it takes. A cancel at Temporal gives the rollback up, unless it was done already."""
        _publish(request, ReleaseStatus.ROLLING_BACK)
        command = PutBack(
            project=request.project,
            release=request.release,
            sequence=request.sequence,
            n=request.rollback.n,
            elsewhere=request.elsewhere,
        )
        standing = await put_back(command, request.rollback, lambda: False, is_current=workflow.patched(STARTED_BY))
        if standing:
            return _result(request, standing.status)
        step = RemovedByTemporal(reason=workflow.cancellation_reason() or None)
        give_up = RecordProgress(project=request.project, release=request.release, sequence=request.sequence, at=workflow.now(), step=step)
        answer = await record_progress(give_up, "Rollback cancelled: give it up")
        if isinstance(answer, Recorded):
            _result(request, "cancelled")
            raise asyncio.CancelledError
        return _result(request, answer.status)


def _result(request: RollbackInput, status: str) -> ReleaseResult:
    _publish(request, status)
    workflow.upsert_search_attributes([STATUS.value_set(status)])
    return ReleaseResult(status=status)


def _publish(request: RollbackInput, status: str) -> None:
    """Show the request and its status in the Temporal Web UI."""
    workflow.set_current_details("\n".join([f"**{status}**", "", *rollback_details(request.rollback)]))
