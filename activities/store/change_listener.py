"""Learning at once that environments have new versions: told by PostgreSQL, looked up on SQLite."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg

from activities.store.database import Database
from activities.store.environment_versions import CHANNEL
from activities.store.timeouts import BoundedConnection

EVERY = 0.1
"""Seconds between two looks on SQLite."""

WHILE = 0.25
"""For how many seconds to listen before going on: whoever wants to stop need not wait longer."""

ANYWAY = 5
"""After how many seconds PostgreSQL is asked although it told nothing."""


class ChangeListener:
    """One process's watch over the versions of all environments. It is for one thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._listening: psycopg.Connection[Any] | None = None
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
            self._listening.close()
            self._listening = None

    def _sleep(self) -> bool:
        time.sleep(EVERY)
        return True

    def _listen(self) -> bool:
        """Whether anything was told. What happened before the listening began is to be looked up."""
        if self._listening is None:
            self._listening = self._connect()
            self._listening.execute(f"LISTEN {CHANNEL}")
            return True
        try:
            return any(True for _ in self._listening.notifies(timeout=WHILE, stop_after=1))
        except psycopg.Error:
            self.close()
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        """A connection of its own: it is held for good, and would be missing in the pool."""
        url = self.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return BoundedConnection.connect(url, autocommit=True, connect_timeout=5)
