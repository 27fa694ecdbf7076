"""Stages and added flags per second on a Temporal cluster on PostgreSQL, with one to three workers and one or two APIs.

`python -m benchmarks.cluster` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
It takes Go and PostgreSQL, like `make cluster`. The single machine of the other benchmarks is measured in turn, as the floor.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console
from temporalio.client import Client

from activities.store.database import Database
from benchmarks.adding import add, publish_sleeping
from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import CLIENTS, Stack
from benchmarks.workloads import RELEASES, Workloads, until_closed, until_due
from tests.cluster.cluster import APIS, WORKERS, Choices, Cluster
from tests.cluster.prerequisites import server_or_exit
from tests.e2e.stack import Process
from tests.waiting import CEILING
from tests.world import make_world
from workflows.payloads import DATA_CONVERTER
from workflows.service.client import ReleaseClient

STAGES = 3
ROUNDS = 3
SETTINGS = {"FLAGHOIST_LOG_LEVEL": "warning"}
TURNS = 1 + WORKERS + APIS


class ClusterStack(Stack):
    """The cluster, with as many of its workers and APIs as are wanted."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.address = cluster.api.address

    async def start(self) -> None:
        """Start everything, and write a project with three environments."""
        await asyncio.to_thread(self.cluster.start)
        self.database = Database(self.cluster.postgresql.url_of("flaghoist"))
        self.world = make_world(self.database)
        address, namespace = self.cluster.temporal
        self.client = await Client.connect(address, namespace=namespace, data_converter=DATA_CONVERTER)

    async def only(self, workers: int, apis: int) -> None:
        """Let exactly that many workers and APIs run."""
        await asyncio.to_thread(_only, self.cluster.workers, workers)
        await asyncio.to_thread(_only, self.cluster.apis, apis)
        await asyncio.to_thread(self.cluster.api.wait_until_ready)
        running = {str(each.running.pid) for each in self.cluster.workers if each.running}
        while not running <= await self._polling():  # noqa: ASYNC110  another process starts
            await asyncio.sleep(0.2)

    async def _polling(self) -> set[str]:
        """Return the ids of the processes that Temporal sees polling."""
        return {worker.identity.partition("@")[0] for worker in (await ReleaseClient(self.client).health()).workers}

    def kill(self) -> None:
        """End everything at once."""
        if "database" in vars(self):
            self.database.close()
        self.cluster.kill()

    def resident(self) -> dict[str, int]:
        """Return the bytes of memory of each process."""
        return {each.name: psutil.Process(each.running.pid).memory_info().rss for each in self.cluster.processes if each.running}

    def stored(self) -> dict[str, int]:
        """Return the bytes on disk of each database."""
        with psycopg.connect(make_conninfo(self.cluster.postgresql.address)) as connection:
            rows = connection.execute("SELECT datname, pg_database_size(datname) FROM pg_database WHERE NOT datistemplate").fetchall()
        return {str(name): int(size) for name, size in rows if name != "postgres"}


def _only(processes: list[Process], number: int) -> None:
    for place, process in enumerate(processes):
        if place < number and not process.running:
            process.start()
        if place >= number and process.running:
            process.running.terminate()
            process.running.wait(CEILING)
            process.running = None


@asynccontextmanager
async def running_cluster_stack() -> AsyncIterator[ClusterStack]:
    """A running cluster. No process of it outlives the block."""
    server = server_or_exit(Console())
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder:
        cluster = Cluster(Path(folder), server, Choices(SETTINGS, proxied=False))
        with cluster.network:
            stack = ClusterStack(cluster)
            try:
                await stack.start()
                yield stack
            finally:
                stack.kill()


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Measure on one machine, end that, and measure on the cluster."""
    number, rounds = scale.pick((3, 1), (100, ROUNDS), (300, ROUNDS))
    margin = scale.pick(0.5, 3.0, 3.0)
    results: dict[str, Any] = {"releases": number, "stages": STAGES, "rounds": rounds, "stages_per_second": {}, "adds_per_second": {}}
    turn("one machine")
    results["stages_per_second"]["one machine, 1 worker"] = spread(await _stages(stack, number, rounds, margin), 1)
    results["adds_per_second"]["one machine, 1 API"] = spread(await _adds(stack, number, rounds), 1)
    stack.kill()  # Two idle stacks would share the processors with the one that is measured.
    async with running_cluster_stack() as cluster:
        for workers in range(1, WORKERS + 1):
            turn(f"cluster, workers: {workers}")
            await cluster.only(workers, 1)
            results["stages_per_second"][f"workers: {workers}"] = spread(await _stages(cluster, number, rounds, margin), 1)
        for apis in range(1, APIS + 1):
            turn(f"cluster, APIs: {apis}")
            await cluster.only(1, apis)
            results["adds_per_second"][f"APIs: {apis}"] = spread(await _adds(cluster, number, rounds), 1)
    return results


async def _stages(stack: Stack, number: int, rounds: int, margin: float) -> list[float]:
    """Run releases that are due at once, and return the stages per second of each round."""
    workloads = Workloads(stack, STAGES, margin=margin)
    measured = []
    for _ in range(rounds):
        due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * number)
        began = await until_due(due)
        await until_closed(stack, asleep)
        measured.append(number * STAGES / (time.perf_counter() - began))
    return measured


async def _adds(stack: Stack, number: int, rounds: int) -> list[float]:
    """Add flags from twenty clients, and return the answers per second of each round."""
    pipeline, measured = publish_sleeping(stack), []
    for _ in range(rounds):
        began = time.perf_counter()
        await add(stack, pipeline, number, CLIENTS)
        measured.append(number / (time.perf_counter() - began))
    return measured


if __name__ == "__main__":
    main({"cluster": (measure, TURNS)}, __doc__)
