"""The story of one rollback of a release that had ended."""

import asyncio

from temporalio import workflow

from activities.messages import PutBack, Recorded, RecordProgress, RemovedByTemporal
from domain.releases.status import ReleaseStatus
from workflows.activity_calls import put_back, record_progress
from workflows.messages import ROLLBACK, ReleaseResult, RollbackInput
from workflows.search_attributes import STATUS
from workflows.web_ui import rollback_in_words


@workflow.defn(name=ROLLBACK)
class RollbackWorkflow:
    """What one release changed, put back. A release under way is rolled back by its own workflow."""

    @workflow.run
    async def run(self, asked: RollbackInput) -> ReleaseResult:
        """Put back, however long it takes; a cancel at Temporal gives it up, unless it was done already."""
        _show(asked, ReleaseStatus.ROLLING_BACK)
        command = PutBack(project=asked.project, release=asked.release, sequence=asked.sequence, n=asked.rollback.n)
        standing = await put_back(command, asked.rollback, lambda: False)
        if standing:
            return _ended(asked, standing.status)
        step = RemovedByTemporal(reason=workflow.cancellation_reason() or None)
        giving_up = RecordProgress(project=asked.project, release=asked.release, sequence=asked.sequence, at=workflow.now(), step=step)
        answer = await record_progress(giving_up, "The rollback was cancelled: give it up")
        if isinstance(answer, Recorded):
            _ended(asked, "cancelled")
            raise asyncio.CancelledError
        return _ended(asked, answer.status)


def _ended(asked: RollbackInput, status: str) -> ReleaseResult:
    _show(asked, status)
    workflow.upsert_search_attributes([STATUS.value_set(status)])
    return ReleaseResult(status=status)


def _show(asked: RollbackInput, status: str) -> None:
    """Let the Temporal Web UI tell who wants what, and what came of it."""
    workflow.set_current_details("\n".join([f"**{status}**", "", *rollback_in_words(asked.rollback)]))
