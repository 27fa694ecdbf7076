"""Databases that a run can break: SQLite in a file, and a PostgreSQL server of its own."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from tests.postgresql import PostgresqlServer
from tests.waiting import CEILING


class Breakable(Protocol):
    """A database that can refuse writes, and that may be a process which can be killed."""

    url: str
    is_process: bool

    def start(self) -> None:
        """Start its process, if it has one and that does not run."""

    def kill(self) -> None:
        """End its process as a power cut would."""

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Refuse writes while the block runs."""
        yield

    @contextmanager
    def keeping_writers_waiting(self) -> Iterator[None]:
        """Keep every write of a release waiting while the block runs."""
        yield

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """Keep its own process, if it has one, from writing to any file while the block runs."""
        yield

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let it answer nothing while the block runs."""
        yield

    def remove(self) -> None:
        """Remove what it left outside of the run's folder."""

    def copy_to(self, path: Path) -> None:
        """Copy it into a SQLite file, each table in the order in which its rows were committed."""


class SqliteFile:
    """A file, without a process to kill."""

    is_process = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "flaghoist.db"
        self.url = f"sqlite:///{self.path}"

    def start(self) -> None:
        """Do nothing: it has no process."""

    def kill(self) -> None:
        """Do nothing: it has no process."""

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Hold the lock that every write needs."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=CEILING)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    keeping_writers_waiting = refusing_writes
    silent = refusing_writes

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """Do nothing: it has no process."""
        yield

    def remove(self) -> None:
        """Do nothing: it is in the run's folder."""

    def copy_to(self, path: Path) -> None:
        """Copy the file with its write-ahead log. Row ids are in the order of commits, as there is one writer at a time."""
        source, target = sqlite3.connect(self.path), sqlite3.connect(path)
        source.backup(target)
        source.close()
        target.close()


OPTIONS = ("track_commit_timestamp=on",)
"""The settings of a PostgreSQL that a run can break."""


class BreakablePostgresql:
    """A server that can be killed, and that records when each row was committed."""

    is_process = True

    def __init__(self, server: PostgresqlServer | None = None, database: str = "postgres") -> None:
        self._server = server or PostgresqlServer(*OPTIONS)
        self.url = self._server.url_of(database)
        self.address = make_conninfo(self._server.address, dbname=database)

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        self._server.start()

    def kill(self) -> None:
        """End the server with everything it started."""
        self._server.kill()

    @contextmanager
    def keeping_writers_waiting(self) -> Iterator[None]:
        """Lock the table of releases."""
        with psycopg.connect(self.address) as connection:
            connection.execute("LOCK TABLE releases IN EXCLUSIVE MODE")
            yield

    @contextmanager
    def refusing_writes(self) -> Iterator[None]:
        """Make it read-only, like a standby or a full cloud volume."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self.start()
            self._set_read_only("off")

    @contextmanager
    def on_full_disk(self) -> Iterator[None]:
        """Limit the files of the server to one byte. What it had acknowledged stays."""
        self._limit_files("1")
        try:
            yield
        finally:
            self._limit_files("unlimited")
            self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stop all its processes while the block runs: connections stay open, and nothing answers."""
        assert self._server.process
        server = psutil.Process(self._server.process.pid)
        stopped = [server, *server.children(recursive=True)]  # The parent first: it starts no more.
        for process in stopped:
            _send(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(stopped):
                _send(process, signal.SIGCONT)

    def remove(self) -> None:
        """Remove its folder."""
        self._server.remove()

    def copy_to(self, path: Path) -> None:
        """Copy table by table. Rows of one transaction keep their order."""
        target = sqlite3.connect(path)
        with psycopg.connect(self.address) as source:
            for (table,) in source.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                _copy(source, table, target)
        target.commit()
        target.close()

    def _limit_files(self, size: str) -> None:
        """Limit them as the server's own user, because root may lack the right."""
        if self._server.process and self._server.is_running:
            server = psutil.Process(self._server.process.pid)
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


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


_COMMITTED = "pg_xact_commit_timestamp(xmin)"
_ADDED = "(SELECT pg_xact_commit_timestamp(a.xmin) FROM audit_entries a WHERE a.release = releases.id AND a.event = 'release.added')"
"""Rows of releases are updated, so their last commit is not that of their addition. Ids of one process grow."""


def _copy(source: "psycopg.Connection[tuple[object, ...]]", table: str, target: sqlite3.Connection) -> None:
    order = {"releases": _ADDED, "audit_entries": f"{_COMMITTED}, id"}.get(table, _COMMITTED)
    cursor = source.execute(f"SELECT * FROM {table} ORDER BY {order}".encode())
    columns = [column.name for column in cursor.description or ()]
    target.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    rows = [[_as_in_sqlite(value) for value in row] for row in cursor]
    target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)


def _as_in_sqlite(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, dict | list) else value
