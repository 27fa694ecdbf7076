"""A workflow whose only local activity writes to the database, and may take a second."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from activities.store.database import Database


class ShortWrite:
    """The activity. It lets the SDK raise into its thread, unlike ours, so that the queue of writers is tested alone."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn
    def write(self) -> None:
        """Begin and commit a transaction."""
        with self.database.transaction():
            pass


@workflow.defn
class ShortWriteWorkflow:
    """Fails if the write is not done within a second."""

    @workflow.run
    async def run(self) -> None:
        """Write once."""
        once = RetryPolicy(maximum_attempts=1)
        await workflow.execute_local_activity_method(ShortWrite.write, start_to_close_timeout=timedelta(seconds=1), retry_policy=once)
