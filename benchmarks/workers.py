"""Stages per second of two worker processes, compared with one, on SQLite and on PostgreSQL. Temporal stays on SQLite.

`python -m benchmarks.workers` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.postgresql import cpu_seconds, database_url, serving
from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack, running
from benchmarks.workloads import RELEASES, Workloads, until_closed, until_due
from workflows.service.client import ReleaseClient

STAGES = 3
ROUNDS = 3
COUNTS = (1, 2)
"""The numbers of worker processes that take turns."""
TURNS = 2 * ROUNDS * len(COUNTS)


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Measure on this stack, then end it, and measure on one with PostgreSQL."""
    databases = {"SQLite": await _on(stack, "SQLite", lambda: 0, scale, turn)}
    stack.kill()  # Two idle stacks would share the processors with the one that is measured.
    with serving() as server, tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder:
        async with running(Path(folder), database_url=database_url(server)) as other:
            databases["PostgreSQL"] = await _on(other, "PostgreSQL", lambda: cpu_seconds(server), scale, turn)
    number, rounds = _size(scale)
    return {"releases": number, "stages": STAGES, "rounds": rounds, "databases": databases}


def _size(scale: Scale) -> tuple[int, int]:
    return scale.pick((3, 1), (200, ROUNDS), (300, ROUNDS))


async def _on(stack: Stack, database: str, database_cpu: Callable[[], float], scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between one worker and two, and begin each round with the other one."""
    number, rounds = _size(scale)
    workloads = Workloads(stack, STAGES, margin=scale.pick(0.3, 3, 3))
    measured: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
    for n in range(rounds):
        for count in sorted(COUNTS, reverse=n % 2 == 1):
            turn(f"round {n + 1}, {database}, workers: {count}")
            measured[count].append(await _climb(stack, workloads, count, number, database_cpu))
    one, two = ([each["per_second"] for each in measured[count]] for count in COUNTS)
    return {
        "ratio": spread([b / a for a, b in zip(one, two, strict=True)]),
        "workers": {str(count): {name: spread([each[name] for each in rows], 1) for name in rows[0]} for count, rows in measured.items()},
    }


async def _climb(stack: Stack, workloads: Workloads, count: int, number: int, database_cpu: Callable[[], float]) -> dict[str, float]:
    """Run releases that are due at once, and return the stages per second and the processor times per stage in ms."""
    async with _second_worker(stack) if count == 2 else nullcontext():
        due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * number)
        began, before = await until_due(due), _cpu(stack, database_cpu)
        await until_closed(stack, asleep)
        seconds, after = time.perf_counter() - began, _cpu(stack, database_cpu)
    stages = number * STAGES
    return {"per_second": stages / seconds, **{name: (after[name] - before[name]) * 1000 / stages for name in after}}


@asynccontextmanager
async def _second_worker(stack: Stack) -> AsyncIterator[None]:
    """A second worker process that polls as long as the block runs."""
    stack.second_worker.start()
    assert stack.second_worker.running
    identity = f"{stack.second_worker.running.pid}@"
    while not await _polls(stack, identity):  # noqa: ASYNC110  another process starts
        await asyncio.sleep(0.1)
    yield
    await asyncio.to_thread(stack.second_worker.stop)


async def _polls(stack: Stack, identity: str) -> bool:
    return any(worker.identity.startswith(identity) for worker in (await ReleaseClient(stack.client).health()).workers)


def _cpu(stack: Stack, database_cpu: Callable[[], float]) -> dict[str, float]:
    return stack.cpu() | {"postgresql": database_cpu()}


if __name__ == "__main__":
    main({"workers": (measure, TURNS)}, __doc__)
