"""Bringing a database to the schema that this version needs."""

from contextlib import nullcontext
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from activities.store.database import Database
from activities.store.tables import metadata
from activities.store.timeouts import unbounded

_LOCK = 7_245_081_133
"""Our own number among PostgreSQL's advisory locks, so that two migrations never run at once."""


def migrate(database: Database, revision: str = "head") -> None:
    """Run every migration that is missing, in one transaction; none if all are there."""
    with database.transaction() as store, nullcontext() if database.is_sqlite else unbounded(store.connection):
        if not database.is_sqlite:
            store.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(store.connection), revision)


def differences(database: Database) -> list[object]:
    """How the database's schema differs from the tables; nothing, if every migration is there and right."""
    with database.transaction() as store:
        return list(compare_metadata(MigrationContext.configure(store.connection), metadata))


def _config(connection: object) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
