"""The floor: a workflow with as many activities as a release has stages, which do nothing."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
def do_nothing(number: int) -> int:
    """Cost what any activity costs."""
    return number


@workflow.defn(name="Bare")
class BareWorkflow:
    """One activity after the other."""

    @workflow.run
    async def run(self, stages: int) -> None:
        """Run them all."""
        for number in range(stages):
            await workflow.execute_activity(do_nothing, number, start_to_close_timeout=timedelta(seconds=30))
