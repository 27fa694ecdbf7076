"""How long a worker that is started again takes to make all overdue changes, beside bare workflows that commit the same transaction.

`python -m benchmarks.recovery` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

import asyncio
import signal
import time
from datetime import timedelta
from typing import Any

from benchmarks.results import spread
from benchmarks.running import Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import RELEASES, Workloads, until_due
from domain.releases.status import ReleaseStatus
from tests.e2e.stack import Process

ROUNDS = 3
TURNS = 3 * ROUNDS


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Put both to sleep, stop both workers, let everything become due, and start one worker after the other."""
    number, rounds = (2, 1) if quick else (1_000, ROUNDS)
    lanes, spare = Workloads(stack, 1, margin=0.3 if quick else 3), timedelta(seconds=2 if quick else 10)  # To stop the worker in.
    workers = {RELEASES: stack.worker, "same transaction": stack.floor}
    took: dict[str, list[float]] = {lane: [] for lane in workers}
    for n in range(rounds):
        turn(f"round {n + 1}, putting {2 * number:,} to sleep")
        for lane, worker in workers.items():
            due, _ = await lanes.put_to_sleep(lane, [spare] * number)
            await _stop(worker)
            last = due + spare
        await until_due(last)
        for lane in sorted(workers, reverse=n % 2 == 1):
            turn(f"round {n + 1}, {lane}")
            took[lane].append(await _recover(stack, workers[lane], number))
    ratios = [ours / floor for ours, floor in zip(*took.values(), strict=True)]
    return {
        "overdue": number,
        "rounds": rounds,
        "seconds": {lane: spread(each, 1) for lane, each in took.items()},
        "ratio": spread(ratios),
    }


async def _stop(process: Process) -> None:
    process.send(signal.SIGTERM)
    assert process.running
    await asyncio.to_thread(process.running.wait, 60)


async def _recover(stack: Stack, worker: Process, number: int) -> float:
    wanted = _completed(stack) + number
    worker.start()
    began = time.perf_counter()
    while _completed(stack) < wanted:  # noqa: ASYNC110  another process completes them
        await asyncio.sleep(0.1)
    return time.perf_counter() - began


def _completed(stack: Stack) -> int:
    with stack.database.reading() as store:
        return store.releases.count_by_status().get(ReleaseStatus.COMPLETED.value, 0)


if __name__ == "__main__":
    main({"recovery": (measure, TURNS)}, __doc__)
