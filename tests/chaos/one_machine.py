"""The product on one machine: the system that runs break unless they are told otherwise."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.executions import TemporalAddress
from tests.chaos.faults import KINDS, STALL, Fault
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Process, Stack
from tests.waiting import CEILING


class OneMachine:
    """Temporal, two workers and the API on one database. One worker reaches Temporal through a proxy."""

    kinds = KINDS
    places = ()
    supervised = frozenset[str]()

    def __init__(self, folder: Path, database_url: str, proxy: Proxy) -> None:
        self.database_url = database_url
        self.proxy = proxy
        self.stack = Stack(folder, database_url, worker_behind=proxy)
        self.api = self.stack.api
        self.temporal = TemporalAddress(f"127.0.0.1:{self.stack.temporal_port}")

    @property
    def processes(self) -> tuple[Process, ...]:
        """All its processes."""
        return self.stack.processes

    @property
    def ours(self) -> tuple[Process, ...]:
        """The API and both workers."""
        return (self.stack.api_process, self.stack.worker, self.stack.other_worker)

    def start(self) -> None:
        """Migrate the database, and start everything."""
        environment = {"FLAGHOIST_DATABASE_URL": self.database_url}
        subprocess.run([sys.executable, "-m", "api.embedded.schema"], env=os.environ | environment, check=True, timeout=CEILING)
        self.stack.start()
        self.stack.other_worker.start()

    def kill(self) -> None:
        """End everything at once."""
        self.stack.kill()

    @contextmanager
    def network_fault(self, fault: Fault) -> Iterator[None]:
        """Hold back what the worker sends to Temporal, and lose it in the end, if that is the fault."""
        if fault.kind != STALL:
            yield
            return
        self.proxy.hold()
        try:
            yield
        finally:
            self.proxy.drop_and_release()


@contextmanager
def one_machine(folder: Path, database_url: str) -> Iterator[OneMachine]:
    """The system, not started yet."""
    with Proxy() as proxy:
        yield OneMachine(folder, database_url, proxy)
