"""Metrics from SQLite files, which nothing can write to."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.metrics.shop import Watched, unknown_of, watched
from tests.world import World

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def orders(shop: Watched, files: Path) -> Path:
    """A file with ten orders of one flag, one each minute."""
    file = files / "shop.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE orders (flag TEXT, arm TEXT, amount REAL, at TEXT)")
        connection.execute("CREATE INDEX by_flag ON orders (flag)")
        rows = [("checkout", "on" if i % 2 else "off", i, f"{AT - timedelta(minutes=i):%Y-%m-%d %H:%M:%S}") for i in range(10)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    shop.write_source("sql", "sqlite:///shop.db")
    return file


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT sum(amount) FROM orders WHERE flag = :feature", 45),
        ("SELECT count(*) FROM orders WHERE at > :since AND at <= :now", 5),
        ("SELECT count(*) FROM orders WHERE :project = 'shop' AND :environment = 'production' AND :variant IS NULL;", 10),
        ("SELECT 50 WHERE 'a\\:b' LIKE '%\\:b' -- 100%", 50),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT sum(i) FROM n", 45),
    ],
)
def test_a_query_gets_its_values(shop: Watched, orders: Path, query: str, value: float) -> None:
    assert shop.ask(query, at=AT).value == value


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", '"', "\\", "'; DROP TABLE orders; --", ":feature", "%s", "{feature}", "\x00"])
def test_a_value_with_quotes_changes_nothing(shop: Watched, orders: Path, hostile: str) -> None:
    sample = shop.ask("SELECT count(*) FROM orders WHERE flag = :feature OR arm = :variant", feature=hostile, variant=hostile)

    assert sample.value == 0
    assert count(orders) == 10


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT amount FROM orders WHERE flag = 'none'", "no_data"),
        ("SELECT avg(amount) FROM orders WHERE flag = 'none'", "no_data"),
        ("SELECT flag FROM orders LIMIT 1", "not_a_number"),
        ("SELECT 9e999", "not_a_number"),
        ("SELECT x'00'", "not_a_number"),
        ("SELECT amount FROM orders", "ambiguous"),
        ("SELECT 1 AS a, 2 AS b", "ambiguous"),
        ("SELECT 1, 1", "ambiguous"),
        ("SELECT amount FROM absent", "source_refused"),
        ("-- nothing", "no_data"),
    ],
)
def test_an_unusable_answer_can_not_tell(shop: Watched, orders: Path, query: str, code: str) -> None:
    assert unknown_of(shop.ask(query))[0] == code


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO orders VALUES ('x', 'x', 1, 'x')",
        "INSERT INTO orders VALUES ('x', 'x', 1, 'x') RETURNING 1",
        "DELETE FROM orders",
        "DELETE FROM orders RETURNING 1",
        "UPDATE orders SET amount = 0",
        "DROP TABLE orders",
        "CREATE TABLE more (a)",
        "CREATE TEMP TABLE more (a)",
        "SELECT 1; DROP TABLE orders",
        "COMMIT; DROP TABLE orders",
        "BEGIN IMMEDIATE",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO 'copy.db'",
        "SELECT load_extension('x')",
        "ALTER TABLE orders RENAME TO gone",
        "REINDEX",
        "ANALYZE",
    ],
)
def test_nothing_but_reading_is_allowed(shop: Watched, orders: Path, files: Path, query: str) -> None:
    before = orders.read_bytes()

    code, _ = unknown_of(shop.ask(query))

    assert code == "source_refused"
    assert orders.read_bytes() == before
    assert [each.name for each in files.iterdir()] == ["shop.db"]


def test_a_query_that_never_ends_is_ended(world_with: Callable[[float], Watched], orders: Path) -> None:
    shop = world_with(0.5)

    code, message = unknown_of(shop.ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"))

    assert code == "source_down"
    assert "0.5 s" in message


def test_a_huge_value_is_refused(shop: Watched, orders: Path) -> None:
    assert unknown_of(shop.ask("SELECT length(zeroblob(100000000))"))[0] == "source_refused"


def test_a_locked_file_can_not_be_read(world_with: Callable[[float], Watched], orders: Path) -> None:
    shop = world_with(0.5)
    with closing(sqlite3.connect(orders, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        code, _ = unknown_of(shop.ask("SELECT count(*) FROM orders"))

    assert code == "source_down"


@pytest.mark.parametrize(
    ("as_of", "code"),
    [("'2026-03-02 08:59:00'", None), ("'2026-03-02T09:57:30+01:00'", "stale"), ("1772441700", "stale"), ("'x'", "not_a_number")],
)
def test_a_column_has_the_time_of_the_data(shop: Watched, orders: Path, as_of: str, code: str | None) -> None:
    sample = shop.ask(f"SELECT 1 AS value, {as_of} AS as_of", at=AT)

    assert (sample.unknown.code if sample.unknown else None) == code


def test_rows_become_groups(shop: Watched, orders: Path) -> None:
    query = 'SELECT arm AS "group", count(*) AS n, sum(amount) AS sum, sum(amount * amount) AS sum_of_squares FROM orders GROUP BY arm'

    sample = shop.ask(query, shape="GROUPS")

    assert [(group.name, group.n, group.mean) for group in sample.groups] == [("off", 5, 4), ("on", 5, 5)]
    assert sample.groups[0].variance == pytest.approx(10)


@pytest.mark.parametrize(
    ("rows", "more", "code", "said"),
    [
        ("SELECT 'a' AS \"group\", 1 AS n, 1 AS successes", {}, "too_little_data", "'a' has 1 members, and needs at least 2"),
        ("SELECT 'a' AS \"group\", 99 AS n, 1 AS successes", {"minimum": 100}, "too_little_data", "at least 100"),
        ("SELECT 'a' AS \"group\", 9 AS n, 12 AS successes", {}, "not_a_number", "between 0 and its n"),
        ("SELECT 'a' AS \"group\", 9 AS n, NULL AS successes", {}, "no_data", "successes"),
        ("SELECT 'a' AS \"group\", -9 AS n, 1 AS successes", {}, "not_a_number", "negative"),
        ("SELECT 'a' AS \"group\", 'x' AS n, 1 AS successes", {}, "not_a_number", "text"),
        ("SELECT 'a' AS \"group\", 9 AS n", {}, "no_data", "needs group, n and successes"),
        ("SELECT 'a' AS name, 9 AS n, 1 AS successes", {}, "no_data", "Each row needs group"),
        ('SELECT NULL AS "group", 9 AS n, 1 AS successes', {}, "not_a_number", "name of each group"),
        ("SELECT 'a' AS \"group\", 9 AS n, 9 AS sum, 1 AS sum_of_squares", {}, "not_a_number", "too small"),
        ("SELECT 'a' AS \"group\", 9 AS n, 1 AS successes UNION ALL SELECT 'a', 9, 2", {}, "ambiguous", "GROUP BY"),
        ('SELECT flag AS "group", 9 AS n, 1 AS successes FROM orders WHERE 0', {}, "no_data", "no row"),
        (
            'WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < 2000) SELECT x AS "group", 9 n, 1 successes FROM i',
            {},
            "ambiguous",
            "1000 groups",
        ),
    ],
)
def test_unusable_groups_can_not_tell(shop: Watched, orders: Path, rows: str, more: dict[str, Any], code: str, said: str) -> None:
    found, message = unknown_of(shop.ask(rows, shape="GROUPS", **more))

    assert found == code
    assert said in message


def test_only_files_inside_the_folder_are_read(shop: Watched, orders: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.db"
    outside.write_bytes(orders.read_bytes())
    (orders.parent / "link.db").symlink_to(outside)
    (orders.parent / "inside.db").symlink_to(orders)

    for address, code in (
        ("sqlite:///../outside.db", "source_refused"),
        (f"sqlite:///{outside}", "source_refused"),
        ("sqlite:///link.db", "source_refused"),
        ("sqlite:///.", "source_down"),
        ("sqlite:///absent.db", "source_down"),
    ):
        shop.write_source("sql", address)
        assert unknown_of(shop.ask("SELECT count(*) FROM orders"))[0] == code, address
    for address in (f"sqlite:///{orders}", "sqlite:///inside.db"):
        shop.write_source("sql", address)
        assert shop.ask("SELECT count(*) FROM orders").value == 10


def test_without_a_folder_no_file_is_read(orders: Path, shop: Watched) -> None:
    without = watched(shop.world, None)

    code, message = unknown_of(without.ask("SELECT 1"))

    assert code == "source_refused"
    assert "FLAGHOIST_METRICS_FOLDER" in message


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_file_that_is_no_database_can_not_tell(shop: Watched, files: Path, content: bytes) -> None:
    (files / "shop.db").write_bytes(content)
    shop.write_source("sql", "sqlite:///shop.db")

    assert unknown_of(shop.ask("SELECT count(*) FROM orders"))[0] == "source_refused"


@pytest.fixture
def world_with(shop: Watched, files: Path) -> Callable[[float], Watched]:
    """A function that returns the same project with a time limit."""

    def limited(seconds: float) -> Watched:
        world: World = shop.world
        return watched(world, files, seconds)

    return limited
