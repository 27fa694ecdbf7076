"""The worker of baseline workflows, with the same options as the product's: `python -m benchmarks.baseline_worker`."""

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import uvloop
from temporalio.worker import Worker

from activities.changes import ChangeActivities
from activities.store.database import Database
from activities.store.engines import is_sqlite
from benchmarks.baseline_workflow import BASELINE_QUEUE, BaselineWorkflow, do_nothing
from process_exit import run
from settings import Settings
from tests.elsewhere import nowhere
from tests.scripted_metrics import guard_with
from worker import SWITCH_SECONDS, worker_options
from workflows.service.connection import ENVIRONMENT
from workflows.service.worker_pools import pools_for


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    pools = pools_for(settings.worker_threads, is_sqlite=is_sqlite(settings.database))
    database = Database(settings.database, pools.connections)
    with ThreadPoolExecutor(pools.threads) as threads:
        options = worker_options(threads, pools)
        activities = [ChangeActivities(database, nowhere(database), guard_with(database)).change_flag, do_nothing]
        client = await ENVIRONMENT.connect(lazy=False)
        worker = Worker(client, task_queue=BASELINE_QUEUE, workflows=[BaselineWorkflow], activities=activities, **options)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with worker:
            await stop.wait()


def work() -> int:
    """Run a worker."""
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(serve(Settings()))
    return 0


if __name__ == "__main__":
    run(work)
