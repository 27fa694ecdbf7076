"""A real Unleash server with a database of its own, and its faults."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import psycopg
from sqlalchemy import make_url

from tests.ports import free_port
from tests.sdks.engines import NPM_CI, built
from tests.waiting import wait_for

ADMIN_TOKEN = "*:*.admin-of-the-tests"  # noqa: S105 (of a server that only these tests use)
BACKEND_TOKENS = {name: f"default:{name}.backend-of-the-tests" for name in ("development", "production")}
FRONTEND_TOKEN = "default:development.frontend-of-the-tests"  # noqa: S105
PROJECT = "default"
"""The only project that the open-source server lets people change. It has the environments of the backend tokens."""


class UnleashServer:
    """An Unleash server. Its database outlives its process."""

    def __init__(self, database: Mapping[str, str], log: IO[bytes]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.admin_token = ADMIN_TOKEN
        self.backend_tokens = BACKEND_TOKENS
        self.frontend_token = FRONTEND_TOKEN
        self._database, self._log = database, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> subprocess.Popen[bytes] | None:
        """Its process, or None if it was killed."""
        return self._process

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        self.launch()
        wait_for("Unleash to be healthy", self._is_healthy)

    def launch(self) -> None:
        """Start it, and return before it answers."""
        folder = installed()
        settings = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **self._database,
            "DATABASE_SSL": "false",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.port),
            "CHECK_VERSION": "false",
            "SEND_TELEMETRY": "false",
            "CLIENT_FEATURE_CACHING_ENABLED": "false",
            "INIT_ADMIN_API_TOKENS": self.admin_token,
            "INIT_BACKEND_API_TOKENS": ",".join(self.backend_tokens.values()),
            "INIT_FRONTEND_API_TOKENS": self.frontend_token,
            "TZ": "UTC",
        }
        command = ["node", str(folder / "node_modules" / "unleash-server" / "dist" / "server.js")]
        self._process = subprocess.Popen(
            command, cwd=folder, env=settings, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def kill(self) -> None:
        """End the process with everything it started, as a power cut would."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill the process and start another one on the same port and database."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Stop the process in its tracks: it accepts connections and never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the process while the block runs."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def call(self, method: str, path: str, json: Any = None, *, token: str = ADMIN_TOKEN) -> Any:
        """Call its API as a person would, and return the document. Raises httpx.HTTPStatusError."""
        answer = httpx.request(method, f"{self.address}{path}", json=json, headers={"authorization": token}, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "Unleash does not run"
        os.killpg(self._process.pid, number)

    def _is_healthy(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            self._log.seek(0)
            raise RuntimeError(f"Unleash ended: {self._log.read().decode()}")
        with suppress(httpx.HTTPError):
            return bool(httpx.get(f"{self.address}/health").json() == {"health": "GOOD"})
        return False


@contextmanager
def running_unleash(postgresql: str) -> Iterator[UnleashServer]:
    """Run Unleash with a new database on the PostgreSQL server with that URL, which has a placeholder for the name of a database."""
    name = f"unleash_{os.urandom(6).hex()}"
    url = make_url(postgresql.format(database=name))
    database = {"DATABASE_HOST": str(url.query["host"]), "DATABASE_USERNAME": url.username or "", "DATABASE_NAME": name}
    with (
        psycopg.connect(host=database["DATABASE_HOST"], user=url.username, dbname="postgres", autocommit=True) as connection,
        TemporaryFile() as log,
    ):
        connection.execute(f"CREATE DATABASE {name}")
        server = UnleashServer(database, log)
        try:
            server.start()
            yield server
        finally:
            server.kill()
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def installed() -> Path:
    """Return the folder in which npm installed Unleash's server and its SDK for Node."""
    return built("unleash", Path(__file__).parent / "node", NPM_CI)
