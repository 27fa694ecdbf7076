"""Schema migrations."""

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
"""The id of our PostgreSQL advisory lock, which keeps two migrations from running at once."""


def migrate(database: Database, revision: str = "head") -> None:
    """Run all pending migrations in one transaction."""
    with database.transaction() as store, nullcontext() if database.is_sqlite else unbounded(store.connection):
        if not database.is_sqlite:
            store.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(store.connection), revision)


def differences(database: Database) -> list[object]:
    """Return the differences between the database's schema and the table definitions."""
    with database.transaction() as store:
        return list(compare_metadata(MigrationContext.configure(store.connection), metadata))


def _config(connection: object) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
