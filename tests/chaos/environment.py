"""The faults that a run causes in a system and its database."""

import resource
import signal
import subprocess
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from tests.chaos.clocks import must_skew, skewed_by
from tests.chaos.databases import Breakable
from tests.chaos.executions import TemporalAddress
from tests.chaos.faults import BUSY, ERRORS, FROZEN, FULL, REFUSE, SILENT, Fault
from tests.e2e.stack import Process
from tests.http import Api


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


class System(Protocol):
    """Temporal and the product, in processes that can be killed."""

    @property
    def api(self) -> Api:
        """Its API, with the owner's key."""

    @property
    def temporal(self) -> TemporalAddress:
        """The address of its Temporal server."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The faults that are drawn."""

    @property
    def places(self) -> tuple[str, ...]:
        """The parts to which the network can fail."""

    @property
    def supervised(self) -> frozenset[str]:
        """The names of processes that may end by themselves during an outage, because they rely on being started again."""

    @property
    def processes(self) -> tuple[Process, ...]:
        """All its processes."""

    @property
    def ours(self) -> tuple[Process, ...]:
        """Those of the product."""

    def start(self) -> None:
        """Start everything on a database that runs."""

    def kill(self) -> None:
        """End everything at once."""

    def network_fault(self, fault: Fault) -> AbstractContextManager[object]:
        """Let the network fail while the block runs, if that is the fault."""


class ChaosEnvironment:
    """A system and its database, and perhaps a flag system besides."""

    def __init__(self, database: Breakable, system: System, *, skew: bool = False) -> None:
        self.database = database
        self.system = system
        self.faketime = faketime() if skew else ""
        self.kills: Counter[str] = Counter()
        self.died: list[str] = []
        self.flag_system: FlagSystemProcess | None = None
        self._processes: dict[str, Process | FlagSystemProcess] = {process.name: process for process in system.processes}
        self._down: set[str] = set()

    def attach(self, flag_system: "FlagSystemProcess", settings: dict[str, str]) -> None:
        """Add a flag system that runs already, and the settings that workers and API need for it."""
        self.flag_system = self._processes[flag_system.name] = flag_system
        for process in self.system.ours:
            process.environment |= settings

    @property
    def victims(self) -> tuple[str, ...]:
        """The names of everything that can be killed."""
        return (*self._processes, "database") if self.database.is_process else tuple(self._processes)

    def start(self) -> None:
        """Start everything."""
        if self.faketime:
            must_skew(self.faketime)
        self.database.start()
        self.system.start()

    def stop(self) -> None:
        """End every process."""
        self.system.kill()
        self.database.kill()
        self.system.api.close()

    def inject(self, fault: Fault) -> None:
        """Cause a fault, and return when it is over."""
        with ExitStack() as recovery:
            recovery.enter_context(self.system.network_fault(fault))
            if fault.kind == REFUSE:
                recovery.enter_context(self.database.refusing_writes())
            if fault.kind == BUSY:
                recovery.enter_context(self.database.keeping_writers_waiting())
            if fault.kind == FROZEN:
                recovery.enter_context(self.database.silent())
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
                if name not in self.system.supervised:
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
        for process in self.system.ours:
            if process.running and process.running.poll() is None:
                resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @staticmethod
    def _signal(process: "Process | FlagSystemProcess") -> None:
        if process.running and process.running.poll() is None:
            process.send(signal.SIGKILL)
