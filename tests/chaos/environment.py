"""The whole product, with everything that can be broken in it."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.clocks import must_skew, skewed_by
from tests.chaos.databases import Breakable
from tests.chaos.faults import FULL, REFUSE, STALL, Fault
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Process, Stack
from tests.waiting import CEILING

LIBFAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
"""Where Debian and Ubuntu put it."""


def faketime() -> str:
    """The library that skews a process's clock. Fails where it is missing: nothing is left out in silence."""
    found = sorted(Path("/").glob(LIBFAKETIME.removeprefix("/")))
    if not found:
        raise FileNotFoundError(
            f"{LIBFAKETIME} is missing: clocks can't be skewed. Install it by `apt-get install libfaketime` (Debian, Ubuntu)"
        )
    return str(found[0])


class Ground:
    """Temporal, two workers and the API on one database; one worker reaches Temporal through a proxy."""

    def __init__(self, folder: Path, database: Breakable, proxy: Proxy, *, skew: bool = False) -> None:
        self.database = database
        self.proxy = proxy
        self.stack = Stack(folder, database.url, worker_behind=proxy)
        self.faketime = faketime() if skew else ""
        self.kills: Counter[str] = Counter()
        self.died: list[str] = []
        self._processes = {process.name: process for process in self.stack.processes}
        self._down: set[str] = set()

    @property
    def victims(self) -> tuple[str, ...]:
        """Everything that can be killed."""
        return (*self._processes, "database") if self.database.is_process else tuple(self._processes)

    def start(self) -> None:
        """Start everything, on a database that has every migration."""
        if self.faketime:
            must_skew(self.faketime)
        self.database.start()
        environment = {"FLAGHOIST_DATABASE_URL": self.database.url}
        subprocess.run([sys.executable, "-m", "api.embedded.schema"], env=_whole(environment), check=True, timeout=CEILING)
        self.stack.start()
        self.stack.other_worker.start()

    def stop(self) -> None:
        """Leave nothing behind."""
        self.stack.kill()
        self.database.kill()
        self.stack.api.close()

    def strike(self, fault: Fault) -> None:
        """Let a fault happen and be over."""
        with ExitStack() as over:
            if fault.kind == STALL:
                self.proxy.hold()
                over.callback(self.proxy.drop_and_release)
            if fault.kind == REFUSE:
                over.enter_context(self.database.refusing_writes())
            if fault.kind == FULL:
                over.enter_context(self.database.on_full_disk())
                self._limit_files(1)
                over.callback(self._limit_files, resource.RLIM_INFINITY)
            over.callback(self._start_again, fault)
            time.sleep(fault.lasts / 2)
            self._kill(fault)
            time.sleep(fault.lasts / 2)

    def look_after(self) -> None:
        """Start again what has ended by itself, as whatever supervises processes does, and remember it."""
        for name, process in self._processes.items():
            code = process.running.poll() if process.running and name not in self._down else None
            if code is not None:
                self.died.append(f"{name} ended by itself with {code}")
                process.start()

    def _kill(self, fault: Fault) -> None:
        """At the same instant, as far as that goes."""
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
        """Let workers and API write no file beyond that size: what a full disk does, to them alone."""
        for process in (self.stack.worker, self.stack.other_worker, self.stack.api_process):
            if process.running and process.running.poll() is None:
                resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @staticmethod
    def _signal(process: Process) -> None:
        if process.running and process.running.poll() is None:
            process.send(signal.SIGKILL)


def _whole(environment: dict[str, str]) -> dict[str, str]:
    return dict(os.environ) | environment
