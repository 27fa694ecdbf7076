"""The query of the guide that compares variants: each user counts once, whatever the tables have."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.metrics.postgresql_source import PASSWORD, PostgresqlSource
from tests.metrics.shop import Watched
from tests.repo.guide import blocks, chapter

pytestmark = pytest.mark.xdist_group("prometheus")

BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = BEGUN + timedelta(days=14)
TABLES = ("CREATE TABLE exposures (user_id text, flag text, variant text, at {time})", "CREATE TABLE orders (user_id text, at {time})")
[QUERY] = [block for block in blocks(chapter("docs/guide/metrics.md", "SQL"), "sql") if "GROUP BY user_id" in block]
IN_SQLITE = {
    "first_at + INTERVAL '7 days'": "datetime(first_at, '+7 days')",
    ":now - INTERVAL '7 days'": "datetime(:now, '-7 days')",
}

EXPOSURES = [
    *((f"{variant}-{number}", "checkout", variant, 1) for variant in ("default", "one-page") for number in range(5)),
    *(("default-0", "checkout", "default", day) for day in (2, 3, 4)),
    ("both", "checkout", "default", 1),
    ("both", "checkout", "one-page", 2),
    ("before", "checkout", "one-page", -1),
    ("late", "checkout", "one-page", 8),
    ("default-1", "search", "one-page", 1),
]
"""User, flag, variant and day."""
ORDERS = [
    *(("default-0", day) for day in (2, 3, 4)),
    ("default-1", 0.5),
    ("default-2", 8.5),
    ("one-page-0", 1),
    ("one-page-1", 7.9),
    ("both", 3),
    ("late", 9),
]
"""User and day. Only three users ordered within a week after they saw the flag."""


def at(day: float) -> datetime:
    return BEGUN + timedelta(days=day)


@pytest.fixture
def on_postgresql(shop: Watched, team_database: PostgresqlSource) -> Iterator[Watched]:
    """A shop on PostgreSQL."""
    with psycopg.connect(team_database.admin, autocommit=True) as server:
        server.execute("CREATE DATABASE recipe")
        with psycopg.connect(team_database.admin.replace("dbname=postgres", "dbname=recipe")) as database:
            for table in TABLES:
                database.execute(table.format(time="timestamptz"))
            database.cursor().executemany("INSERT INTO exposures VALUES (%s, %s, %s, %s)", [(*row, at(day)) for *row, day in EXPOSURES])
            database.cursor().executemany("INSERT INTO orders VALUES (%s, %s)", [(user, at(day)) for user, day in ORDERS])
            database.execute("GRANT SELECT ON exposures, orders TO reader")
        shop.write_source("sql", team_database.address.replace("/postgres?", "/recipe?"), credential=PASSWORD)
        yield shop
        server.execute("DROP DATABASE recipe WITH (FORCE)")


@pytest.fixture
def on_sqlite(shop: Watched, files: Path) -> Watched:
    """A shop on SQLite."""

    def text(day: float) -> str:
        return f"{at(day):%Y-%m-%d %H:%M:%S}"

    with closing(sqlite3.connect(files / "recipe.db")) as database, database:
        for table in TABLES:
            database.execute(table.format(time="text"))
        database.executemany("INSERT INTO exposures VALUES (?, ?, ?, ?)", [(*row, text(day)) for *row, day in EXPOSURES])
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(user, text(day)) for user, day in ORDERS])
    shop.write_source("sql", "sqlite:///recipe.db")
    return shop


def counted(shop: Watched, query: str) -> list[tuple[str, int, int]]:
    """Return the users and the buyers of each group."""
    sample = shop.ask(query, at=NOW, since=BEGUN, shape="GROUPS")
    assert sample.unknown is None, sample.unknown
    return sorted((group.name, group.n, round(group.mean * group.n)) for group in sample.groups)


def test_each_user_counts_once_with_a_week_to_order(on_postgresql: Watched) -> None:
    assert counted(on_postgresql, QUERY) == [("control", 5, 1), ("one-page", 5, 2)]


def test_the_same_holds_on_sqlite_with_its_own_functions(on_sqlite: Watched) -> None:
    query = QUERY
    for ours, theirs in IN_SQLITE.items():
        assert ours in query
        query = query.replace(ours, theirs)

    assert counted(on_sqlite, query) == [("control", 5, 1), ("one-page", 5, 2)]
