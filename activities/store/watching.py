"""Learning at once that environments have new versions: told by PostgreSQL, looked up on SQLite."""

import time
from collections.abc import Mapping

from psycopg import Connection as PostgresConnection
from sqlalchemy import Connection, text

from activities.store.database import Database
from activities.store.versions import CHANNEL

EVERY = 0.1
"""Seconds between two looks on SQLite."""

WHILE = 0.25
"""For how many seconds to listen before going on: whoever wants to stop need not wait longer."""

ANYWAY = 5
"""After how many seconds PostgreSQL is asked although it told nothing."""


class Watch:
    """One process's watch over the versions of all environments. It is for one thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._listening: Connection | None = None
        self._asked_at = 0.0
        self._known: Mapping[str, int] = {}

    def wait(self) -> Mapping[str, int]:
        """Environment id -> version of every living environment, at the latest after a moment. Raises what a database in trouble raises."""
        told = self._sleep() if self.database.is_sqlite else self._listen()
        if told or time.monotonic() - self._asked_at > ANYWAY:
            with self.database.reading() as store:
                self._known = store.versions.current()
            self._asked_at = time.monotonic()
        return self._known

    def close(self) -> None:
        """Listen no longer."""
        if self._listening:
            self._listening.invalidate()
            self._listening.close()
            self._listening = None

    def _sleep(self) -> bool:
        time.sleep(EVERY)
        return True

    def _listen(self) -> bool:
        """Whether anything was told. What happened before the listening began is to be looked up."""
        if self._listening is None:
            self._listening = self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._listening.execute(text(f"LISTEN {CHANNEL}"))
            return True
        try:
            return any(True for _ in _driver(self._listening).notifies(timeout=WHILE, stop_after=1))
        except Exception:
            self.close()
            raise


def _driver(connection: Connection) -> PostgresConnection[object]:
    driver = connection.connection.driver_connection
    if not isinstance(driver, PostgresConnection):
        raise TypeError(f"only psycopg's connections listen, and this is a {type(driver).__name__}")
    return driver
