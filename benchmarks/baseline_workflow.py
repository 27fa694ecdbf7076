"""The floor: a workflow that does what Temporal must do for a release, and nothing else."""

from datetime import timedelta

from temporalio import activity, workflow

from activities.messages import ChangeFlag
from domain.model import Message, Moment

BARE_QUEUE = "bare"
SAME_TRANSACTION = "change_flag"
NOTHING = "do_nothing"


class BaselineInput(Message):
    """When to wake up, and what to call then, one after the other."""

    due_at: Moment
    activity: str = NOTHING
    commands: tuple[ChangeFlag, ...] = ()


@activity.defn(name=NOTHING)
def do_nothing(_command: ChangeFlag) -> None:
    """Cost what any activity costs."""


@workflow.defn(name="Bare")
class BaselineWorkflow:
    """One timer, and one activity per stage."""

    @workflow.run
    async def run(self, bare: BaselineInput) -> None:
        """Wait, and call them all."""
        if (left := bare.due_at - workflow.now()) > timedelta():
            await workflow.sleep(left)
        for command in bare.commands:
            await workflow.execute_activity(bare.activity, command, start_to_close_timeout=timedelta(seconds=30))
