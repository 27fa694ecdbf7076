"""Stages and added flags per second on a Temporal cluster on PostgreSQL, with one to three workers and one or two APIs.

`python -m benchmarks.cluster` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
It takes Go and PostgreSQL, like `make cluster`. The single machine of the other benchmarks is measured in turn, as the floor.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console
from temporalio.client import Client

from activities.store.database import Database
from benchmarks.adding import add, publish_sleeping
from benchmarks.postgresql import cpu_seconds as postgresql_seconds
from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import CLIENTS, Stack, cpu_seconds
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

    def cpu(self) -> dict[str, float]:
        """Return the seconds of processor time of each part, and of this process as its client."""
        parts: dict[str, Sequence[Process]] = {"workers": self.cluster.workers, "temporal": self.cluster.nodes, "api": self.cluster.apis}
        seconds = {name: cpu_seconds(processes) for name, processes in parts.items()}
        return seconds | {"client": time.process_time(), "postgresql": postgresql_seconds(self.cluster.postgresql)}

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
    size = scale.pick(Size(3, 1, 0.5), Size(100, ROUNDS, 3.0), Size(300, ROUNDS, 3.0))
    stages: dict[str, Any] = {}
    adds: dict[str, Any] = {}
    turn("one machine")
    stages["one machine"] = await _stages(stack, size)
    adds["one machine"] = await _adds(stack, size)
    stack.kill()  # Two idle stacks would share the processors with the one that is measured.
    async with running_cluster_stack() as cluster:
        for workers in range(1, WORKERS + 1):
            turn(f"cluster, workers: {workers}")
            await cluster.only(workers, 1)
            stages[str(workers)] = await _stages(cluster, size)
        for apis in range(1, APIS + 1):
            turn(f"cluster, APIs: {apis}")
            await cluster.only(1, apis)
            adds[str(apis)] = await _adds(cluster, size)
    return {"releases": size.releases, "stages": STAGES, "rounds": size.rounds, "changes": stages, "adds": adds}


class Size(NamedTuple):
    """The releases of each round, the rounds, and the margin in seconds until they are due."""

    releases: int
    rounds: int
    margin: float


async def _stages(stack: Stack, size: Size) -> dict[str, Any]:
    """Run releases that are due at once, and return the stages per second, and the processor times per stage."""
    workloads = Workloads(stack, STAGES, margin=size.margin)
    measured = []
    for _ in range(size.rounds):
        due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * size.releases)
        began, before = await until_due(due), stack.cpu()
        await until_closed(stack, asleep)
        measured.append(_rates(size.releases * STAGES, time.perf_counter() - began, before, stack.cpu()))
    return _spread(measured)


async def _adds(stack: Stack, size: Size) -> dict[str, Any]:
    """Add flags from twenty clients until their workflows have started, and return the same per flag."""
    pipeline, measured = publish_sleeping(stack), []
    for _ in range(size.rounds):
        began, before = time.perf_counter(), stack.cpu()
        await add(stack, pipeline, size.releases, CLIENTS)
        measured.append(_rates(size.releases, time.perf_counter() - began, before, stack.cpu()))
    return _spread(measured)


def _rates(number: int, seconds: float, before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    used = {name: after[name] - before[name] for name in after}
    milliseconds = {name: each * 1000 / number for name, each in used.items()}
    return {"per_second": number / seconds, "busy_cores": sum(used.values()) / seconds, **milliseconds}


def _spread(measured: list[dict[str, float]]) -> dict[str, Any]:
    return {name: spread([each[name] for each in measured], 2 if name == "busy_cores" else 1) for name in measured[0]}


if __name__ == "__main__":
    main({"cluster": (measure, TURNS)}, __doc__)
