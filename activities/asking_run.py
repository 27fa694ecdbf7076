"""The run of a workflow that an activity answers."""

from temporalio import activity

from activities.messages import ReleaseCommand, Standing


def standing_for_run(standing: Standing, command: ReleaseCommand) -> Standing:
    """Return the state of the record, and note if the run that asks came from a reset.

    The workflow must not compare run ids itself: a reset replays the earlier history under another id. This answer stays in the history.
    """
    if command.first_run is None:
        return standing
    return standing.model_copy(update={"was_reset": activity.info().workflow_run_id != command.first_run})
