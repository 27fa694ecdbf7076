"""Empties a database between tests, because creating a new one takes longer than most tests."""

from sqlalchemy import delete, select

from activities.store.database import Database
from activities.store.tables import api_keys, metadata, owners

BOOTSTRAP = "bootstrap"


def empty(database: Database) -> None:
    """Delete everything except the first key and its owner."""
    with database.transaction() as store:
        for table in reversed(metadata.sorted_tables):
            if table not in (api_keys, owners):
                store.connection.execute(delete(table))
        store.connection.execute(delete(api_keys).where(api_keys.c.name != BOOTSTRAP))
        store.connection.execute(delete(owners).where(owners.c.id.not_in(select(api_keys.c.owner_id))))
