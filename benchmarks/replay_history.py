"""Replays one history from its beginning again and again, and prints the CPU milliseconds of one replay.

`benchmarks.replaying` runs this file with the code of each build. It imports nothing else from here.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from process_exit import run
from worker import worker_options
from workflows.release import ReleaseWorkflow

try:
    from workflows.payloads import DATA_CONVERTER
except ModuleNotFoundError:  # an older build
    from temporalio.contrib import pydantic

    DATA_CONVERTER = pydantic.pydantic_data_converter

WARM_UPS = 5

_POOLS: Any = SimpleNamespace(changes=1, local_activities=1, workflow_tasks=1)
"""Builds take sizes of different types. The runner does not depend on them."""


async def replay(history: str, times: int) -> float:
    """Replay with the worker's own runner. Nothing is cached, as each replay has an id of its own. The file is parsed before."""
    with ThreadPoolExecutor(1) as threads:
        runner = worker_options(threads, _POOLS)["workflow_runner"]
    replayer = Replayer(workflows=[ReleaseWorkflow], data_converter=DATA_CONVERTER, workflow_runner=runner)

    events = WorkflowHistory.from_json("release", history).events

    async def copies(number: int) -> AsyncIterator[WorkflowHistory]:
        for n in range(number):
            yield WorkflowHistory(f"release/{n}", events)

    await replayer.replay_workflows(copies(WARM_UPS))
    before = time.process_time()
    await replayer.replay_workflows(copies(times))
    return (time.process_time() - before) * 1000 / times


def work() -> int:
    """Replay the history given by name, that many times."""
    print(asyncio.run(replay(Path(sys.argv[1]).read_text(), int(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    run(work)
