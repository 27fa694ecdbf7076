"""What a release's workflow asks of its activities, each by its policy."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.changes import ChangeActivities
from activities.messages import ChangeFlag, Made, Recorded, RecordProgress, Refused, Standing
from activities.releases import ReleaseActivities
from workflows.policies import PROVIDER_CALL, QUICK_LOOK, QUICK_RECORD


async def change_flag(command: ChangeFlag, summary: str) -> Made | Refused | Standing:
    """Make a change, however long it takes."""
    return await workflow.execute_activity_method(ChangeActivities.change_flag, command, summary=summary, **PROVIDER_CALL)


async def record_progress(command: RecordProgress, summary: str) -> Recorded | Standing:
    """Write a step, within the workflow task where the database answers, and else however long it takes."""
    method: Any = ReleaseActivities.record_progress
    answer: Recorded | Standing = await _quickly_or_at_length(method, command, summary, QUICK_RECORD)
    return answer


async def read_standing(release: str) -> Standing:
    """Where the record stands."""
    method: Any = ReleaseActivities.read_standing
    answer: Standing = await _quickly_or_at_length(method, release, "look at the record", QUICK_LOOK)
    return answer


async def _quickly_or_at_length(method: Any, command: Any, summary: str, quickly: dict[str, Any]) -> Any:
    try:
        return await workflow.execute_local_activity_method(method, command, summary=summary, **quickly)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
    return await workflow.execute_activity_method(method, command, summary=summary, **PROVIDER_CALL)
