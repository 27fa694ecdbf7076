"""Client-side timeouts for PostgreSQL servers that stop responding."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Connection, text

Answer = TypeVar("Answer")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when its server stops responding: a hung server does not enforce its own timeouts."""

    RESPONSE_TIMEOUT: ClassVar[float] = 22
    """In seconds. Longer than the server's statement timeout, shorter than an activity attempt."""

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
