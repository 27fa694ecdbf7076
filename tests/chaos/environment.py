"""The whole product, with everything in it that a run can break."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from tests.chaos.clocks import must_skew, skewed_by
from tests.chaos.databases import Breakable
from tests.chaos.faults import BUSY, ERRORS, FULL, REFUSE, SILENT, STALL, Fault
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Process, Stack
from tests.waiting import CEILING


class FlagSystemProcess(Protocol):
    """A flag system that can be killed and silenced like a process of the product."""

    name: str
    environment: dict[str, str]

    @property
    def running(self) -> subprocess.Popen[bytes] | None: ...
    def start(self) -> None: ...
    def send(self, number: signal.Signals) -> None: ...
    def kill(self) -> None: ...
    def silent(self) -> AbstractContextManager[None]: ...
    def failing(self) -> AbstractContextManager[None]: ...


LIBFAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
"""The path in Debian and Ubuntu."""


def faketime() -> str:
    """Return the library that skews a process's clock. Raise if it is missing, so that no fault is silently left out."""
    found = sorted(Path("/").glob(LIBFAKETIME.removeprefix("/")))
    if not found:
        raise FileNotFoundError(
            f"{LIBFAKETIME} is missing: clocks can't be skewed. Install it by `apt-get install libfaketime` (Debian, Ubuntu)"
        )
    return str(found[0])


class ChaosEnvironment:
    """Temporal, two workers and the API on one database. One worker reaches Temporal through a proxy."""

    def __init__(self, folder: Path, database: Breakable, proxy: Proxy, *, skew: bool = False) -> None:
        self.database = database
        self.proxy = proxy
        self.stack = Stack(folder, database.url, worker_behind=proxy)
        self.faketime = faketime() if skew else ""
        self.kills: Counter[str] = Counter()
        self.died: list[str] = []
        self.flag_system: FlagSystemProcess | None = None
        self._processes: dict[str, Process | FlagSystemProcess] = {process.name: process for process in self.stack.processes}
        self._down: set[str] = set()

    def attach(self, flag_system: "FlagSystemProcess", settings: dict[str, str]) -> None:
        """Add a flag system that runs already, and the settings that workers and API need for it."""
        self.flag_system = self._processes[flag_system.name] = flag_system
        for process in (self.stack.api_process, self.stack.worker, self.stack.other_worker):
            process.environment |= settings

    @property
    def victims(self) -> tuple[str, ...]:
        """The names of everything that can be killed."""
        return (*self._processes, "database") if self.database.is_process else tuple(self._processes)

    def start(self) -> None:
        """Start everything on a migrated database."""
        if self.faketime:
            must_skew(self.faketime)
        self.database.start()
        environment = {"FLAGHOIST_DATABASE_URL": self.database.url}
        subprocess.run([sys.executable, "-m", "api.embedded.schema"], env=os.environ | environment, check=True, timeout=CEILING)
        self.stack.start()
        self.stack.other_worker.start()

    def stop(self) -> None:
        """End every process."""
        self.stack.kill()
        self.database.kill()
        self.stack.api.close()

    def inject(self, fault: Fault) -> None:
        """Cause a fault, and return when it is over."""
        with ExitStack() as recovery:
            if fault.kind == STALL:
                self.proxy.hold()
                recovery.callback(self.proxy.drop_and_release)
            if fault.kind == REFUSE:
                recovery.enter_context(self.database.refusing_writes())
            if fault.kind == BUSY:
                recovery.enter_context(self.database.keeping_writers_waiting())
            if fault.kind == SILENT and self.flag_system:
                recovery.enter_context(self.flag_system.silent())
            if fault.kind == ERRORS and self.flag_system:
                recovery.enter_context(self.flag_system.failing())
            if fault.kind == FULL:
                recovery.enter_context(self.database.on_full_disk())
                self._limit_files(1)
                recovery.callback(self._limit_files, resource.RLIM_INFINITY)
            recovery.callback(self._start_again, fault)
            time.sleep(fault.lasts / 2)
            self._kill(fault)
            time.sleep(fault.lasts / 2)

    def supervise(self) -> None:
        """Restart processes that ended by themselves, as any supervisor does, and record them."""
        for name, process in self._processes.items():
            code = process.running.poll() if process.running and name not in self._down else None
            if code is not None:
                self.died.append(f"{name} ended by itself with {code}")
                process.start()

    def _kill(self, fault: Fault) -> None:
        """Kill the victims as close to the same instant as possible."""
        self._down |= set(fault.victims)
        for name in fault.victims:
            self.kills[name] += 1
            if name != "database":
                self._signal(self._processes[name])
        if "database" in fault.victims:
            self.database.kill()
        for name in fault.victims:
            if name != "database":
                self._processes[name].kill()

    def _start_again(self, fault: Fault) -> None:
        if "database" in fault.victims:
            self.database.start()
        for name in fault.victims:
            if name in fault.clocks:
                self._processes[name].environment |= self._clock(fault.clocks[name])
            if name != "database":
                self._processes[name].start()
        self._down -= set(fault.victims)

    def _clock(self, seconds: int) -> dict[str, str]:
        return skewed_by(seconds, self.faketime)

    def _limit_files(self, size: int) -> None:
        """Keep workers and API from writing files beyond that size, like a disk that is full for them alone."""
        for process in (self.stack.worker, self.stack.other_worker, self.stack.api_process):
            if process.running and process.running.poll() is None:
                resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @staticmethod
    def _signal(process: "Process | FlagSystemProcess") -> None:
        if process.running and process.running.poll() is None:
            process.send(signal.SIGKILL)
