"""The embedded stack, as `flaghoist dev` runs it, with the baseline worker, and a second worker that a benchmark may start."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from temporalio.client import Client
from temporalio.service import RPCError

from activities.store.database import Database
from api.embedded.processes import environment_of, programs
from api.embedded.schema import prepare_database
from api.embedded.state_dir import StateDir
from settings import Settings
from tests.e2e.stack import Process
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.world import World, make_world
from workflows.payloads import DATA_CONVERTER
from workflows.service.namespace import register_search_attributes

SECRET_KEY = "A" * 43 + "="
"""The key of credentials in these stacks."""
CLIENTS = 20
"""The number of clients that add releases or start baseline workflows where their time is not measured."""


class Stack:
    """Temporal, API, worker and baseline worker, each a process of its own.

    Temporal has a database file. So does Flaghoist, unless `database_url` is among the further settings.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(home=folder, port=free_port(), temporal_port=free_port(), temporal_ui_port=free_port(), **settings)
        self.home = StateDir(folder)
        self.home.prepare()
        environment = environment_of(self.settings, OWNER_KEY, SECRET_KEY) | {
            "FLAGHOIST_DATABASE_URL": self.settings.database,
            "FLAGHOIST_PORT": str(self.settings.port),
            "FLAGHOIST_LOG_LEVEL": "warning",
            "PYTHONPATH": os.getcwd(),
        }
        run = {each.name: Process(each.name, each.command, environment, self.home.logs) for each in programs(self.settings, self.home)}
        self.temporal, self.worker, self.api_process = run["temporal"], run["worker"], run["api"]
        self.second_worker = Process("second-worker", self.worker.command, environment, self.home.logs)
        self.baseline_worker = Process("baseline", [sys.executable, "-m", "benchmarks.baseline_worker"], environment, self.home.logs)
        self.address = f"http://127.0.0.1:{self.settings.port}"
        self.database: Database
        self.world: World
        self.client: Client

    async def start(self) -> None:
        """Start everything, and write a project with three environments."""
        self.temporal.start()
        prepare_database(self.settings)
        self.database = Database(self.settings.database)
        self.world = make_world(self.database)
        self.api_process.start()
        self.client = await self._connect()
        await register_search_attributes(self.client)
        self.worker.start()
        self.baseline_worker.start()
        api = Api(self.address, OWNER_KEY)
        await asyncio.to_thread(api.wait_until_ready)
        api.close()

    async def _connect(self) -> Client:
        while True:
            try:
                return await Client.connect(f"127.0.0.1:{self.settings.temporal_port}", data_converter=DATA_CONVERTER)
            except (RPCError, RuntimeError):
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        """End everything at once."""
        for process in (self.api_process, self.worker, self.second_worker, self.baseline_worker, self.temporal):
            process.kill()
        if "database" in vars(self):  # It may have failed before it was opened.
            self.database.close()

    def resident(self) -> dict[str, int]:
        """Return the bytes of memory of each process of the product."""
        processes = {"worker": self.worker, "api": self.api_process, "temporal": self.temporal}
        return {name: psutil.Process(each.running.pid).memory_info().rss for name, each in processes.items() if each.running}

    def cpu(self) -> dict[str, float]:
        """Return the seconds of processor time of each part, and of this process as its client."""
        parts = {"workers": (self.worker, self.second_worker), "temporal": (self.temporal,), "api": (self.api_process,)}
        return {name: cpu_seconds(processes) for name, processes in parts.items()} | {"client": time.process_time()}

    def stored(self) -> dict[str, int]:
        """Return the bytes on disk of each database, its write-ahead log included."""
        files = {"flaghoist": self.home.folder / "flaghoist.db", "temporal": self.home.temporal}
        return {name: sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*")) for name, path in files.items()}


def cpu_seconds(processes: Iterable[Process]) -> float:
    """Return the seconds of processor time of those that run."""
    return sum(sum(psutil.Process(each.running.pid).cpu_times()[:2]) for each in processes if each.running)


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Stack]:
    """A running stack. No process of it outlives the block."""
    stack = Stack(folder, **settings)
    try:
        await stack.start()
        yield stack
    finally:
        stack.kill()


async def time_each(calls: Iterable[Callable[[], Awaitable[object]]], clients: int = CLIENTS) -> list[float]:
    """Make all calls, each client one at a time. Return the seconds of each in the order in which they ended."""
    seconds: list[float] = []
    remaining = iter(calls)

    async def client() -> None:
        for call in remaining:
            began = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds
