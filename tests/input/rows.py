"""The database row by row, to find what a request changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, select

from activities.store.database import Database
from activities.store.tables import metadata

_IGNORED_COLUMNS = {"serving": ("version",)}
"""Columns that are only written along with others."""

_IGNORED_TABLES = ("leases", "outbox")
"""Tables that processes write at any time."""

_QUERIES = [
    (table.name, select(*(column for column in table.columns if column.name not in _IGNORED_COLUMNS.get(table.name, ()))))
    for table in metadata.sorted_tables
    if table.name not in _IGNORED_TABLES
]


@dataclass(frozen=True)
class Row:
    """A row at one time."""

    table: str
    content: str
    columns: RowMapping = field(compare=False, repr=False)


def rows_of(database: Database) -> frozenset[Row]:
    """Return every row."""
    return frozenset(_read(database))


def _read(database: Database) -> Iterator[Row]:
    with database.engine.connect() as connection:
        for table, query in _QUERIES:
            for row in connection.execute(query):
                yield Row(table, str(row), row._mapping)
