"""The supervisor: three children are started, started again when they die, and ended in order."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import psutil

from api.embedded.child_processes import ProcessRegistry, end, start
from api.embedded.processes import Program
from api.embedded.state_dir import StateDir

SHORTEST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
WELL_AGAIN = timedelta(seconds=60)
"""A child that has lived that long is started again without delay when it dies."""


class Supervisor:
    """The programs of the embedded stack, each a process of its own."""

    def __init__(self, programs: list[Program], environment: Mapping[str, str], home: StateDir, say: Callable[[str], None]) -> None:
        self.programs = {program.name: program for program in programs}
        self.environment = environment
        self.home = home
        self.say = say
        self.roll = ProcessRegistry(home.processes)
        self.children: dict[str, psutil.Popen] = {}
        self._started_at: dict[str, float] = {}
        self._pauses: dict[str, timedelta] = {}
        self._due: dict[str, float] = {}

    def end_survivors(self) -> None:
        """End what an earlier run left behind because it was killed."""
        survivors = self.roll.survivors()
        if survivors:
            self.say(f"An earlier run was killed; ending what it left behind: {', '.join(survivors)}.")
        for name in reversed(self.programs):
            if process := survivors.get(name):
                end(process, self.programs[name].patience)
        self.roll.write({})

    def start(self, name: str) -> None:
        """Start one program."""
        self.children[name] = start(self.programs[name], self.environment, self.home.logs)
        self._started_at[name] = time.monotonic()
        self.roll.write(self.children)

    def look(self) -> None:
        """Start again what has died, after a pause that grows for one that keeps dying."""
        for name, child in list(self.children.items()):
            if child.poll() is not None and name not in self._due:
                self._plan_restart(name, child.returncode)
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.start(name)

    def stop(self) -> None:
        """End API, worker and Temporal, in that order."""
        for name in reversed(self.programs):
            if child := self.children.get(name):
                end(child, self.programs[name].patience)
        self.children.clear()
        self.roll.write({})

    def _plan_restart(self, name: str, code: int) -> None:
        lived = timedelta(seconds=time.monotonic() - self._started_at[name])
        before = self._pauses.get(name)
        pause = SHORTEST_PAUSE if before is None or lived > WELL_AGAIN else min(before * 2, LONGEST_PAUSE)
        self._pauses[name] = pause
        self._due[name] = time.monotonic() + pause.total_seconds()
        log = self.home.logs / f"{name}.log"
        self.say(f"The {name} process has died ({_fate(code)}); it is started again in {pause.seconds} s. Its log: {log}")


def _fate(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
