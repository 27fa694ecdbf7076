"""The supervisor of the child processes: starts them, restarts those that die, and stops them in order."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import psutil

from api.embedded.child_processes import ProcessRegistry, start, terminate
from api.embedded.processes import Program
from api.embedded.state_dir import StateDir

MIN_BACKOFF = timedelta(seconds=1)
MAX_BACKOFF = timedelta(seconds=30)
STABLE_AFTER = timedelta(seconds=60)
"""The backoff starts over for a child that has run this long."""


class Supervisor:
    """The programs of the embedded stack, each in its own process."""

    def __init__(self, programs: list[Program], environment: Mapping[str, str], home: StateDir, show: Callable[[str], None]) -> None:
        self.programs = {program.name: program for program in programs}
        self.environment = environment
        self.home = home
        self.show = show
        self.registry = ProcessRegistry(home.processes)
        self.children: dict[str, psutil.Popen] = {}
        self._started_at: dict[str, float] = {}
        self._backoffs: dict[str, timedelta] = {}
        self._restart_at: dict[str, float] = {}

    def stop_survivors(self) -> None:
        """Stop the processes that an earlier run left behind because it was killed."""
        survivors = self.registry.survivors()
        if survivors:
            self.show(f"An earlier run was killed. Stopping the processes that it left behind: {', '.join(survivors)}.")
        for name in reversed(self.programs):
            if process := survivors.get(name):
                terminate(process, self.programs[name].grace_period)
        self.registry.write({})

    def start(self, name: str) -> None:
        """Start one program."""
        self.children[name] = start(self.programs[name], self.environment, self.home.logs)
        self._started_at[name] = time.monotonic()
        self.registry.write(self.children)

    def restart_dead(self) -> None:
        """Restart the children that have died, each after its backoff."""
        for name, child in list(self.children.items()):
            if child.poll() is not None and name not in self._restart_at:
                self._plan_restart(name, child.returncode)
        for name, restart_at in list(self._restart_at.items()):
            if time.monotonic() >= restart_at:
                del self._restart_at[name]
                self.start(name)

    def stop(self) -> None:
        """Stop the API, the worker and Temporal, in this order."""
        for name in reversed(self.programs):
            if child := self.children.get(name):
                terminate(child, self.programs[name].grace_period)
        self.children.clear()
        self.registry.write({})

    def _plan_restart(self, name: str, code: int) -> None:
        uptime = timedelta(seconds=time.monotonic() - self._started_at[name])
        last = self._backoffs.get(name)
        backoff = MIN_BACKOFF if last is None or uptime > STABLE_AFTER else min(last * 2, MAX_BACKOFF)
        self._backoffs[name] = backoff
        self._restart_at[name] = time.monotonic() + backoff.total_seconds()
        log = self.home.logs / f"{name}.log"
        self.show(f"The {name} process died ({_cause(code)}) and will be restarted in {backoff.seconds} s. Its log: {log}")


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
