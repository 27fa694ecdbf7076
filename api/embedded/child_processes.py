"""Child processes: started, ended, and remembered in case we are killed."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psutil

from api.embedded.processes import Program

SAME_START = 2.0
"""Seconds by which two readings of one process's start may differ when the system's clock is set."""


class ChildProcess(NamedTuple):
    """A process that was started: its id, and when, since ids come round again."""

    name: str
    pid: int
    created: float


def start(program: Program, environment: Mapping[str, str], logs: Path) -> psutil.Popen:
    """Start a program in a session of its own, so that Ctrl-C in the terminal reaches only the supervisor."""
    with (logs / f"{program.name}.log").open("ab") as log:
        return psutil.Popen(
            program.command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: psutil.Process, patience: timedelta) -> None:
    """Ask a process to end, and make it after a while; one that has ended is left in peace."""
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(patience.total_seconds())
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(10)


class ProcessRegistry:
    """The children that run, kept in a file that outlives us."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, children: Mapping[str, psutil.Popen]) -> None:
        """Remember these, and no others."""
        started = []
        for name, child in children.items():
            with suppress(psutil.NoSuchProcess):
                started.append(ChildProcess(name, child.pid, child.create_time())._asdict())
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(started))
        fresh.replace(self.file)

    def survivors(self) -> dict[str, psutil.Process]:
        """Those remembered that still run, by name."""
        found = {}
        for started in self._read():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(started.pid)
                if abs(process.create_time() - started.created) < SAME_START and process.status() != psutil.STATUS_ZOMBIE:
                    found[started.name] = process
        return found

    def _read(self) -> list[ChildProcess]:
        try:
            return [ChildProcess(**each) for each in json.loads(self.file.read_text())]
        except (OSError, ValueError, TypeError):
            return []
