"""The whole product as it runs in production: each part is a process of its own that can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.binaries import TEMPORAL
from tests.e2e.proxy import Proxy
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.waiting import CEILING, wait_for


class Process:
    """One named process that can be started and ended again and again."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = folder / f"{name}.log"
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            environment = os.environ | self.environment
            self.running = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.running
        self.running.send_signal(number)

    def freeze(self) -> None:
        """Stop it where it is. On a busy machine, its threads run on for a moment after the signal was sent."""
        self.send(signal.SIGSTOP)
        wait_for(f"{self.name} to stand still", self._stands_still)

    def stop(self) -> None:
        """Ask it to end, and wait for that. Temporal then gives it no more work, unlike a process that was killed."""
        self.send(signal.SIGTERM)
        assert self.running
        assert self.running.wait(CEILING) == 0
        self.running = None

    def _stands_still(self) -> bool:
        """True if each of its threads is stopped, where the system lists them."""
        assert self.running
        states = [each.read_text().rpartition(")")[2].split()[0] for each in Path(f"/proc/{self.running.pid}/task").glob("*/stat")]
        return set(states) <= {"T"}

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.running:
            self.running.kill()
            self.running.wait(CEILING)
            self.running = None


class Stack:
    """Temporal, the API and a worker on one database, and a second worker that a test may start."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        api_behind: Proxy | None = None,
        worker_behind: Proxy | None = None,
        verbose: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.temporal_port, self.port, self.metrics_port = free_port(), free_port(), free_port()
        address = f"127.0.0.1:{self.temporal_port}"
        for proxy in (api_behind, worker_behind):
            if proxy:
                proxy.target_port = self.temporal_port
        shared = {
            "FLAGHOIST_DATABASE_URL": database_url,
            "FLAGHOIST_PORT": str(self.port),
            "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
            "FLAGHOIST_RECONCILE_SECONDS": "1",
            "FLAGHOIST_LOG_FORMAT": "text",
            "FLAGHOIST_LOG_LEVEL": "debug" if verbose else "warning",
            "FLAGHOIST_WEBHOOKS_ALLOW_PRIVATE": "true",
            "FLAGHOIST_METRICS_ALLOW_PRIVATE": "true",
            "FLAGHOIST_METRICS_FOLDER": str(folder),
            **(environment or {}),
        }
        server = [str(TEMPORAL), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.temporal_port)]
        durable = ["--db-filename", str(folder / "temporal.db"), "--sqlite-pragma", "journal_mode=wal", "--log-level"]
        self.folder = folder
        self.temporal = Process("temporal", server + durable + ["debug" if verbose else "error"], {}, folder)
        self.api_process = Process(
            "api", _python("api.app"), shared | {"TEMPORAL_ADDRESS": api_behind.address if api_behind else address}, folder
        )
        for_worker = {
            "TEMPORAL_ADDRESS": worker_behind.address if worker_behind else address,
            "FLAGHOIST_WORKER_METRICS": f"127.0.0.1:{self.metrics_port}",
        }
        self.worker = Process("worker", _python("worker"), shared | for_worker, folder)
        self.other_worker = Process("other-worker", _python("worker"), shared | {"TEMPORAL_ADDRESS": address}, folder)
        self.api = Api(f"http://127.0.0.1:{self.port}", OWNER_KEY)

    @property
    def processes(self) -> tuple[Process, ...]:
        """All its processes."""
        return (self.api_process, self.worker, self.other_worker, self.temporal)

    def start(self, *, with_worker: bool = True) -> None:
        """Start Temporal, one worker and the API, and wait until the API is ready."""
        self.temporal.start()
        if with_worker:
            self.worker.start()
        self.api_process.start()
        self.api.wait_until_ready()

    def kill(self) -> None:
        """End everything at once, as a power cut would."""
        for process in self.processes:
            process.kill()

    def logs(self) -> str:
        """The end of each process's log."""
        return "\n".join(f"--- {process.name}\n{process.log.read_text()[-1500:]}" for process in self.processes if process.log.exists())


@contextmanager
def running_stack(folder: Path, database_url: str, *, with_worker: bool = True, **options: Any) -> Iterator[Stack]:
    """A running stack with these options of `Stack`. No process of it outlives the block."""
    stack = Stack(folder, database_url, **options)
    try:
        stack.start(with_worker=with_worker)
        yield stack
    except (AssertionError, TimeoutError, httpx.HTTPError) as failure:
        failure.add_note(stack.logs())
        raise
    finally:
        stack.kill()
        stack.api.close()


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
