"""How long PostgreSQL may say nothing, before it counts as down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Connection, text

Answer = TypeVar("Answer")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is given up when its server is silent: one that hangs keeps none of its own timeouts."""

    PATIENCE: ClassVar[float] = 22
    """In seconds: longer than the server lets a statement take, shorter than an attempt of an activity."""

    bounded = True

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Wait for the server; `OperationalError`, and closed, if it was silent for too long."""
        is_ours = timeout is None and self.bounded
        try:
            return super().wait(gen, interval, self.PATIENCE if is_ours else timeout)
        except psycopg.errors._WaitTimeout as silence:  # It has no public name of its own.
            if not is_ours:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"PostgreSQL said nothing for {self.PATIENCE:g} s") from silence


@contextmanager
def unbounded(connection: Connection) -> Iterator[None]:
    """Let statements take as long as they take, on PostgreSQL and here; locks are still not waited for without end."""
    driver = cast(BoundedConnection, connection.connection.driver_connection)
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    driver.bounded = False
    try:
        yield
    finally:
        driver.bounded = True
