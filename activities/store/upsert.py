"""Inserts that update the row if it exists, on SQLite and on PostgreSQL."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, func
from sqlalchemy.dialects import postgresql, sqlite

_DIALECTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_into(connection: Connection, table: Table) -> Any:
    """Return an insert that can say what to do on a conflict, for the connection's database."""
    return _DIALECTS[connection.dialect.name](table)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or update those whose primary key exists, in one statement. A null never replaces a stored value.

    All rows have the same columns.
    """
    connection.execute(_statement(connection.dialect.name, table, frozenset(rows[0])), list(rows))


@cache
def _statement(dialect: str, table: Table, columns: frozenset[str]) -> Any:
    keys = list(table.primary_key.columns)
    statement: Any = _DIALECTS[dialect](table)
    kept = {name: func.coalesce(statement.excluded[name], table.c[name]) for name in sorted(columns - {key.name for key in keys})}
    return statement.on_conflict_do_update(index_elements=keys, set_=kept)
