"""Engines for SQLite and PostgreSQL: how their connections begin, give up and report an outage."""

import sqlite3
from typing import Any

from psycopg.errors import InternalError_, ReadOnlySqlTransaction
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from activities.store.timeouts import (
    CONNECT_TIMEOUT,
    IDLE_TIMEOUT,
    LOCK_TIMEOUT,
    POOL_TIMEOUT,
    SQLITE_LOCK_TIMEOUT,
    STATEMENT_TIMEOUT,
    BoundedConnection,
)

BEGIN = "flaghoist_begin"
"""The execution option with the statement that begins a transaction on SQLite."""

_POSTGRESQL = " ".join(
    f"-c {parameter}"
    for parameter in (
        "jit=off",  # It costs short queries more than it saves.
        f"statement_timeout={STATEMENT_TIMEOUT}s",
        f"lock_timeout={LOCK_TIMEOUT}s",
        f"idle_in_transaction_session_timeout={IDLE_TIMEOUT}s",
    )
)


def engine_for(url: URL, pool_size: int) -> Engine:
    """Return an engine with a pool of that many connections."""
    engine = create_engine(url, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_TIMEOUT, hide_parameters=True, **_options(url))
    event.listen(engine, "handle_error", _treat_as_outage)
    if is_sqlite(url):
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "do_connect", _connect_to_postgresql)
        event.listen(engine, "checkin", _forget_access_mode)
    return engine


def is_sqlite(url: str | URL) -> bool:
    """True for the URL of a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def is_busy(error: BaseException) -> bool:
    """True if SQLite gave up because another process was writing."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _options(url: URL) -> dict[str, Any]:
    if is_sqlite(url):
        return {"connect_args": {"timeout": SQLITE_LOCK_TIMEOUT, "check_same_thread": False}}
    return {"pool_pre_ping": True, "connect_args": {"options": _POSTGRESQL, "connect_timeout": CONNECT_TIMEOUT}}


def _treat_as_outage(failure: ExceptionContext) -> OperationalError | None:
    """Treat a server that cannot write, such as a standby or one with a full disk, as unavailable, and drop its connections."""
    if not isinstance(failure.original_exception, ReadOnlySqlTransaction | InternalError_):
        return None
    failure.is_disconnect = True
    return OperationalError(failure.statement, None, failure.original_exception, hide_parameters=True)


def _connect_to_postgresql(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **options)


def _forget_access_mode(connection: Any, _record: Any) -> None:
    """Begin the next transaction in the server's own mode.

    After a read-only transaction, SQLAlchemy would begin it as READ WRITE, which a standby rejects with an error of its own.
    """
    if connection is not None:
        connection.read_only = None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Begin transactions explicitly: the driver's implicit BEGIN silently loses updates."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN IMMEDIATE"))
