"""SQLite files that metrics may read: inside one folder, and without any way to write or to reach other files."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import TextClause
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url

from activities.metrics.adapter import CannotTell, Deadline, quoted
from activities.metrics.rows import Row
from activities.metrics.sql import ReadRows, rows_of

LOCK_SECONDS = 2.0
LARGEST_VALUE = 1_000_000
"""Bytes of one value, also of those within a query."""

_STEPS = 1_000
"""The steps of SQLite's machine between two looks at the clock."""

_OUTAGES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT})
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


def file_within(folder: Path | None, address: str) -> Path:
    """Return the file of a SQLite URL. Raises CannotTell if it isn't inside the folder, also by a symbolic link."""
    if folder is None:
        raise CannotTell("source_refused", "SQLite files are off. FLAGHOIST_METRICS_FOLDER names the folder that has them.")
    try:
        file = (folder / (make_url(address).database or "")).resolve()
        is_file = file.is_file()
    except (OSError, RuntimeError, ValueError):
        file, is_file = Path(), False
    if not file.is_relative_to(folder.resolve()):
        raise CannotTell("source_refused", "The address is no file inside the folder that FLAGHOIST_METRICS_FOLDER names.")
    if not is_file:
        raise CannotTell("source_down", "There is no such file in the folder that FLAGHOIST_METRICS_FOLDER names.")
    return file


def sqlite_reader(address: str, folder: Path | None) -> ReadRows:
    """Return a function that reads the file of a SQLite URL."""
    dialect = SQLiteDialect_pysqlite(paramstyle="named")

    def read(statement: TextClause, most: int, deadline: Deadline) -> list[Row]:
        file, compiled = file_within(folder, address), statement.compile(dialect=dialect)
        values = {name: _as_text(value) for name, value in compiled.params.items()}
        try:
            with closing(_opened(file, deadline)) as connection:
                cursor = connection.execute(compiled.string, values)
                return rows_of((column[0] for column in cursor.description or ()), cursor.fetchmany(most))
        except (sqlite3.Error, sqlite3.Warning) as error:
            deadline.left()
            raise _reason(error) from None

    return read


def _reason(error: Exception) -> CannotTell:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _OUTAGES:
        return CannotTell("source_down", f"The file can't be read: {quoted(error)}")
    return CannotTell("source_refused", f"SQLite refused the query: {quoted(error)}")


def _as_text(value: object) -> object:
    """Write a point in time as SQLite's own functions do, in UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value


def _opened(file: Path, deadline: Deadline) -> sqlite3.Connection:
    uri = f"file:{quote(str(file))}?mode=ro"
    seconds = min(LOCK_SECONDS, deadline.left())
    connection = sqlite3.connect(uri, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    connection.set_authorizer(_authorize)
    connection.set_progress_handler(lambda: _has_passed(deadline), _STEPS)
    return connection


def _authorize(action: int, _first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    """Allow reading tables and calling functions, but not `load_extension`."""
    is_loading = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension"
    return sqlite3.SQLITE_OK if action in _ALLOWED and not is_loading else sqlite3.SQLITE_DENY


def _has_passed(deadline: Deadline) -> bool:
    try:
        return deadline.left() <= 0
    except CannotTell:
        return True
