"""The baseline of releases: a workflow that does only what Temporal has to do for a release."""

from datetime import timedelta

from temporalio import activity, workflow

from activities.messages import ChangeFlag
from domain.model import Message, Moment

BASELINE_QUEUE = "baseline"
SAME_TRANSACTION = "change_flag"
NOTHING = "do_nothing"


class BaselineInput(Message):
    """The time to wake up, and the activity and its commands to run then, one after the other."""

    due_at: Moment
    activity: str = NOTHING
    commands: tuple[ChangeFlag, ...] = ()


@activity.defn(name=NOTHING)
def do_nothing(_command: ChangeFlag) -> None:
    """Do nothing, so that only the cost of an activity itself remains."""


@workflow.defn(name="Baseline")
class BaselineWorkflow:
    """A workflow with one timer, and one activity per stage."""

    @workflow.run
    async def run(self, message: BaselineInput) -> None:
        """Wait until the due time, then run every command."""
        if (left := message.due_at - workflow.now()) > timedelta():
            await workflow.sleep(left)
        for command in message.commands:
            await workflow.execute_activity(message.activity, command, start_to_close_timeout=timedelta(seconds=30))
