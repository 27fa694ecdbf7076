"""The time in which a restarted worker makes all overdue changes, compared with baseline workflows.

`python -m benchmarks.recovery` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import asyncio
import signal
import time
from datetime import timedelta
from typing import Any

from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import RELEASES, Asleep, Workloads, until_due
from domain.releases.status import ReleaseStatus
from tests.e2e.stack import Process
from tests.waiting import CEILING

ROUNDS = 3
TURNS = 3 * ROUNDS


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Put both workloads to sleep, stop both workers, let everything become due, and start one worker after the other."""
    number, rounds = scale.pick((2, 1), (200, ROUNDS), (1_000, ROUNDS))
    workloads = Workloads(stack, 1, margin=scale.pick(0.3, 3, 3))
    spare = timedelta(seconds=scale.pick(2, 10, 10))  # The time to stop a worker in.
    workers = {RELEASES: stack.worker, "same transaction": stack.baseline_worker}
    seconds: dict[str, list[float]] = {workload: [] for workload in workers}
    for n in range(rounds):
        turn(f"round {n + 1}, putting {2 * number:,} to sleep")
        asleep: dict[str, list[Asleep]] = {}
        for workload, worker in workers.items():
            due, asleep[workload] = await workloads.put_to_sleep(workload, [spare] * number)
            await _stop(worker)
            last = due + spare
        await until_due(last)
        for workload in sorted(workers, reverse=n % 2 == 1):
            turn(f"round {n + 1}, {workload}")
            seconds[workload].append(await _recover(stack, workers[workload], asleep[workload]))
    ratios = [ours / baseline for ours, baseline in zip(*seconds.values(), strict=True)]
    return {
        "overdue": number,
        "rounds": rounds,
        "seconds": {workload: spread(each, 1) for workload, each in seconds.items()},
        "ratio": spread(ratios),
    }


async def _stop(process: Process) -> None:
    process.send(signal.SIGTERM)
    assert process.running
    await asyncio.to_thread(process.running.wait, CEILING)


async def _recover(stack: Stack, worker: Process, asleep: list[Asleep]) -> float:
    """Start the worker, and return the seconds until all are completed. On a slow machine, some were completed before it stopped."""
    expected = _completed(stack) + _still_waiting(stack, asleep)
    worker.start()
    began = time.perf_counter()
    while _completed(stack) < expected:  # noqa: ASYNC110  another process completes them
        await asyncio.sleep(0.1)
    return time.perf_counter() - began


def _still_waiting(stack: Stack, asleep: list[Asleep]) -> int:
    with stack.database.reading() as store:
        return sum(not store.releases.get(each.release).is_finished for each in asleep)


def _completed(stack: Stack) -> int:
    with stack.database.reading() as store:
        return store.releases.count_by_status().get(ReleaseStatus.COMPLETED.value, 0)


if __name__ == "__main__":
    main({"recovery": (measure, TURNS)}, __doc__)
