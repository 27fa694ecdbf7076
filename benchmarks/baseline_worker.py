"""The worker of baseline workflows, with the same options as the product's: `python -m benchmarks.baseline_worker`."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor

from temporalio.worker import Worker

from activities.changes import ChangeActivities
from activities.store.database import Database
from benchmarks.baseline_workflow import BASELINE_QUEUE, BaselineWorkflow, do_nothing
from process_exit import run
from settings import Settings
from worker import concurrency_of, worker_options
from workflows.service.client import connect


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    database = Database(settings.database)
    concurrency = concurrency_of(settings, database)
    with ThreadPoolExecutor(concurrency) as threads:
        options = worker_options(threads, concurrency)
        activities = [ChangeActivities(database).change_flag, do_nothing]
        client = await connect(lazy=False)
        worker = Worker(client, task_queue=BASELINE_QUEUE, workflows=[BaselineWorkflow], activities=activities, **options)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with worker:
            await stop.wait()


def work() -> int:
    """Run a worker."""
    asyncio.run(serve(Settings()))
    return 0


if __name__ == "__main__":
    run(work)
