"""A PostgreSQL server that accepts connections and statements but never responds."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from activities.store.database import Database
from activities.store.migrate import migrate
from activities.store.timeouts import BoundedConnection
from tests.waiting import CEILING

SILENCE = "PostgreSQL has not responded"


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    database = Database(postgresql_url, pool_size=4)
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(BoundedConnection, "RESPONSE_TIMEOUT", 2)
        yield database
    database.close()


@contextmanager
def silent(url: str) -> Iterator[None]:
    """Stop the backend processes of this database, as on a machine out of memory; the postmaster keeps accepting connections."""
    watching = Database(url)
    with watching.engine.connect() as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        backends = [pid for (pid,) in connection.execute(text(others))]
    watching.close()
    assert backends
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)


def test_an_unanswered_statement_times_out_and_closes_its_connection(database: Database, postgresql_url: str) -> None:
    with pytest.raises(OperationalError, match=SILENCE), database.transaction() as store, silent(postgresql_url):
        store.connection.execute(text("SELECT 1"))

    with database.reading() as store:
        assert store.connection.execute(text("SELECT 1")).scalar() == 1


def test_a_hung_pooled_connection_is_replaced(database: Database, postgresql_url: str) -> None:
    with database.reading() as store:
        store.connection.execute(text("SELECT 1"))

    with silent(postgresql_url), database.reading() as store:
        assert store.connection.execute(text("SELECT 1")).scalar() == 1


def test_a_migration_may_wait_for_a_lock_longer_than_the_timeout(database: Database) -> None:
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction() as store:
            store.connection.execute(text("LOCK TABLE alembic_version"))
            held.set()
            released.wait(CEILING)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(CEILING)
    threading.Timer(BoundedConnection.RESPONSE_TIMEOUT + 1, released.set).start()

    migrate(database)

    assert released.is_set()
    holding.join()
