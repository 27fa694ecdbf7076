"""A local activity that times out while it waits to write does not keep other writers waiting."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.store.database import Database
from tests.waiting import wait_until
from tests.workflows.harness import dev_server_harness
from tests.workflows.short_write import ShortWrite, ShortWriteWorkflow


def test_local_activity_that_times_out_while_it_waits_gives_its_turn_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            client, short = harness.env.client, ShortWrite(sqlite)
            with ThreadPoolExecutor(1) as threads:
                async with Worker(
                    client,
                    task_queue="short",
                    workflows=[ShortWriteWorkflow],
                    activities=[short.write],
                    activity_executor=threads,
                    workflow_runner=UnsandboxedWorkflowRunner(),
                ):
                    with sqlite.transaction(), pytest.raises(WorkflowFailureError):
                        await client.execute_workflow(ShortWriteWorkflow.run, id="short", task_queue="short")

                    await wait_until("the turn to be free", lambda: sqlite.writers.is_empty)

    asyncio.run(scenario())
