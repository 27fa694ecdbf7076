"""What is in the database, row by row, so that what a request changed can be told."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, select

from activities.store.database import Database
from activities.store.tables import metadata

_PASSING = {"serving": ("version",)}
"""What is written because of something else that is looked at."""

_BY_THEMSELVES = ("leases", "outbox")
"""What processes write when it suits them."""

_QUESTIONS = [
    (table.name, select(*(column for column in table.columns if column.name not in _PASSING.get(table.name, ()))))
    for table in metadata.sorted_tables
    if table.name not in _BY_THEMSELVES
]


@dataclass(frozen=True)
class Row:
    """One row as it was at one time."""

    table: str
    content: str
    columns: RowMapping = field(compare=False, repr=False)


def rows_of(database: Database) -> frozenset[Row]:
    """Every row there is."""
    return frozenset(_read(database))


def _read(database: Database) -> Iterator[Row]:
    with database.engine.connect() as connection:
        for table, question in _QUESTIONS:
            for row in connection.execute(question):
                yield Row(table, str(row), row._mapping)
