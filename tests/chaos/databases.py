"""The databases that a run breaks: SQLite in a file, and a PostgreSQL server of its own."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from tests.postgresql import PostgresqlServer
from tests.waiting import CEILING


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
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=CEILING)
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


class BreakablePostgresql:
    """A server that can be killed, and that records when each row was committed."""

    is_process = True

    def __init__(self) -> None:
        self._server = PostgresqlServer("track_commit_timestamp=on")
        self.url = self._server.url_of("postgres")
        self.address = self._server.address

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        self._server.start()

    def kill(self) -> None:
        """End the server with everything it started."""
        self._server.kill()

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
        self._server.remove()

    def copy_to(self, path: Path) -> None:
        """Copy table by table; what was written by one transaction stays in its order."""
        target = sqlite3.connect(path)
        with psycopg.connect(self.address) as source:
            for (table,) in source.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                _copy(source, table, target)
        target.commit()
        target.close()

    def _limit_files(self, size: str) -> None:
        """As the server's own user: root itself may lack the right."""
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
