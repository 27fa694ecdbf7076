"""Detect new versions of environments: by PostgreSQL's LISTEN/NOTIFY, by polling on SQLite."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg

from activities.store.database import Database
from activities.store.environment_versions import CHANNEL
from activities.store.timeouts import BoundedConnection

POLL_INTERVAL = 0.1
"""Seconds between polls on SQLite."""

LISTEN_TIMEOUT = 0.25
"""Seconds to listen before returning, which bounds how long a shutdown waits."""

POLL_WITHOUT_NOTIFICATION = 5
"""Seconds after which PostgreSQL is polled even without a notification."""


class ChangeListener:
    """Watches the versions of all environments for one process. Use it from one thread only."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._listening: psycopg.Connection[Any] | None = None
        self._asked_at = 0.0
        self._known: Mapping[str, int] = {}

    def wait(self) -> Mapping[str, int]:
        """Return environment id -> version of every environment that is not deleted, after a short wait at most. Raises database errors."""
        changed = self._sleep() if self.database.is_sqlite else self._listen()
        if changed or time.monotonic() - self._asked_at > POLL_WITHOUT_NOTIFICATION:
            with self.database.reading() as store:
                self._known = store.versions.current()
            self._asked_at = time.monotonic()
        return self._known

    def close(self) -> None:
        """Stop listening."""
        if self._listening:
            self._listening.close()
            self._listening = None

    def _sleep(self) -> bool:
        time.sleep(POLL_INTERVAL)
        return True

    def _listen(self) -> bool:
        """Return True if a notification arrived, or if listening has just begun and earlier changes may have been missed."""
        if self._listening is None:
            self._listening = self._connect()
            self._listening.execute(f"LISTEN {CHANNEL}")
            return True
        try:
            return any(True for _ in self._listening.notifies(timeout=LISTEN_TIMEOUT, stop_after=1))
        except psycopg.Error:
            self.close()
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        """Open a separate connection, because it is held for good and would be missing from the pool."""
        url = self.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return BoundedConnection.connect(url, autocommit=True, connect_timeout=5)
