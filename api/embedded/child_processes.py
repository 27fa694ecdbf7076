"""Child processes: started, terminated, and recorded in a file for the case that we are killed."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psutil

from api.embedded.processes import Program

START_TOLERANCE = 2.0
"""Seconds by which two readings of a process's start time may differ after the system clock was set."""


class ChildProcess(NamedTuple):
    """A started process. The start time tells it apart from a later process with the same id."""

    name: str
    pid: int
    created: float


def start(program: Program, environment: Mapping[str, str], logs: Path) -> psutil.Popen:
    """Start a program in its own session, so that Ctrl-C in the terminal reaches only the supervisor."""
    with (logs / f"{program.name}.log").open("ab") as log:
        return psutil.Popen(
            program.command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def terminate(process: psutil.Process, grace_period: timedelta) -> None:
    """Terminate a process, and kill it after the grace period. Do nothing if it has ended already."""
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(grace_period.total_seconds())
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(10)


class ProcessRegistry:
    """A file that records the running children and outlives this process."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, children: Mapping[str, psutil.Popen]) -> None:
        """Record these children and no others."""
        started = []
        for name, child in children.items():
            with suppress(psutil.NoSuchProcess):
                started.append(ChildProcess(name, child.pid, child.create_time())._asdict())
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(started))
        fresh.replace(self.file)

    def survivors(self) -> dict[str, psutil.Process]:
        """Return the recorded processes that are still running, by name."""
        found = {}
        for started in self._read():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(started.pid)
                if abs(process.create_time() - started.created) < START_TOLERANCE and process.status() != psutil.STATUS_ZOMBIE:
                    found[started.name] = process
        return found

    def _read(self) -> list[ChildProcess]:
        try:
            return [ChildProcess(**each) for each in json.loads(self.file.read_text())]
        except (OSError, ValueError, TypeError):
            return []
