"""The timeouts of the store, all in seconds and in this order, and those that a PostgreSQL that stops responding does not enforce."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Connection, text

Answer = TypeVar("Answer")

CONNECT_TIMEOUT = 5
"""PostgreSQL: the wait for a new connection."""

TURN_TIMEOUT = 5
"""SQLite: the wait for this process's other writers. After it, the lock decides."""

SQLITE_LOCK_TIMEOUT = 10
"""SQLite: the wait of a statement for the writers of other processes."""

LOCK_TIMEOUT = 10
"""PostgreSQL: the wait of a statement for a row that another transaction has locked."""

STATEMENT_TIMEOUT = 20
"""PostgreSQL: the duration of a statement with its waits."""

RESPONSE_TIMEOUT = 22
"""PostgreSQL: the wait for a server that no longer enforces the timeouts above."""

IDLE_TIMEOUT = 30
"""PostgreSQL: the time between two statements of a transaction."""

POOL_TIMEOUT = 10
"""The wait for a connection of the pool. Only an API process can have more threads than connections."""

LONGEST_WAIT = max(TURN_TIMEOUT + SQLITE_LOCK_TIMEOUT, RESPONSE_TIMEOUT)
"""The longest wait of a write for other writers or for a server. Every activity attempt has more time than this."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when its server stops responding: a hung server does not enforce its own timeouts."""

    RESPONSE_TIMEOUT: ClassVar[float] = RESPONSE_TIMEOUT

    bounded = True

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Wait for the server. If it does not respond in time, close the connection and raise OperationalError."""
        is_ours = timeout is None and self.bounded
        try:
            return super().wait(gen, interval, self.RESPONSE_TIMEOUT if is_ours else timeout)
        except psycopg.errors._WaitTimeout as silence:  # psycopg has no public name for it.
            if not is_ours:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"PostgreSQL has not responded for {self.RESPONSE_TIMEOUT:g} s") from silence


@contextmanager
def unbounded(connection: Connection) -> Iterator[None]:
    """Disable statement timeouts on the server and here. Lock timeouts stay in force."""
    driver = cast(BoundedConnection, connection.connection.driver_connection)
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    driver.bounded = False
    try:
        yield
    finally:
        driver.bounded = True
