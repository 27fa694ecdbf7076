"""Metrics from a real PostgreSQL, whose role could also write."""

import socket
import time

import pytest

from tests.metrics.postgresql_source import PASSWORD, PostgresqlSource
from tests.metrics.shop import SECRET, Watched, unknown_of, watched
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("prometheus")


@pytest.fixture
def shop(shop: Watched, team_database: PostgresqlSource) -> Watched:
    """A project with that PostgreSQL as its source."""
    shop.write_source("sql", team_database.address, credential=PASSWORD)
    return shop


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT sum(amount) FROM orders WHERE flag = :feature", 5050),
        ("SELECT count(*) FROM orders WHERE at > :since AND at <= :now", 100),
        ("SELECT count(*)::int FROM orders WHERE :project = 'shop' AND :environment = 'production' AND :variant IS NULL;", 100),
        ("SELECT avg(amount) FROM orders WHERE flag LIKE 'check%' -- 100%", 50.5),
        ("SELECT 50 WHERE 'a\\:b' LIKE '%\\:b'", 50),
        ("SELECT 1.5::float8", 1.5),
        ("SELECT extract(epoch FROM :now - :since) FROM orders LIMIT 1", 300),
    ],
)
def test_a_query_gets_its_values(shop: Watched, query: str, value: float) -> None:
    assert shop.ask(query).value == value


@pytest.mark.parametrize(
    "hostile", ["' OR true --", '"', "\\", "'; DROP TABLE orders; --", "%s", "%(feature)s", ":feature", "$1", "{feature}"]
)
def test_a_value_with_quotes_changes_nothing(shop: Watched, team_database: PostgresqlSource, hostile: str) -> None:
    sample = shop.ask("SELECT count(*) FROM orders WHERE flag = :feature OR arm = :variant", feature=hostile, variant=hostile)

    assert sample.value == 0
    assert team_database.one("SELECT count(*) FROM orders") == 100


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO orders VALUES ('x')",
        "INSERT INTO orders VALUES ('x') RETURNING 1",
        "WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) FROM gone",
        "UPDATE orders SET amount = 0",
        "DROP TABLE orders",
        "CREATE TABLE more (a int)",
        "SELECT 1; DROP TABLE orders",
        "COMMIT; DROP TABLE orders",
        "COMMIT",
        "SELECT nextval('numbers')",
        "SELECT setval('numbers', 99)",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT * FROM orders FOR UPDATE",
        "SELECT lo_create(4711)",
        "SELECT 1 INTO more",
        "COPY orders TO STDOUT",
        "SET statement_timeout = 0",
        "NOTIFY changed",
    ],
)
def test_nothing_but_reading_is_allowed(shop: Watched, team_database: PostgresqlSource, query: str) -> None:
    code, _ = unknown_of(shop.ask(query))

    assert code == "source_refused"
    assert team_database.one("SELECT count(*) FROM orders") == 100
    assert team_database.one("SELECT last_value FROM numbers") == 1
    assert team_database.one("SELECT count(*) FROM pg_class WHERE relname = 'more'") == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT amount FROM orders WHERE false", "no_data"),
        ("SELECT avg(amount) FROM orders WHERE false", "no_data"),
        ("SELECT 'NaN'::float8", "not_a_number"),
        ("SELECT 'Infinity'::numeric", "not_a_number"),
        ("SELECT 'NaN'::numeric", "not_a_number"),
        ("SELECT 'seven'", "not_a_number"),
        ("SELECT true", "not_a_number"),
        ("SELECT 10 ^ 400::numeric", "not_a_number"),
        ("SELECT amount FROM orders", "ambiguous"),
        ("SELECT 1, 1", "ambiguous"),
        ("SELECT 1 / 0", "source_refused"),
        ("SELECT amount FROM absent", "source_refused"),
        ("SELECT", "ambiguous"),
    ],
)
def test_an_unusable_answer_can_not_tell(shop: Watched, query: str, code: str) -> None:
    assert unknown_of(shop.ask(query))[0] == code


@pytest.mark.parametrize(("age", "code"), [("1 minute", None), ("3 minutes", "stale")])
def test_a_column_has_the_time_of_the_data(shop: Watched, age: str, code: str | None) -> None:
    sample = shop.ask(f"SELECT 1 AS value, now() - interval '{age}' AS as_of")

    assert (sample.unknown.code if sample.unknown else None) == code


def test_rows_become_groups(shop: Watched) -> None:
    query = "SELECT arm AS group, count(*) AS n, count(*) FILTER (WHERE amount > 50) AS successes FROM orders GROUP BY arm ORDER BY arm"

    sample = shop.ask(query, shape="GROUPS")

    assert [(group.name, group.n, group.mean) for group in sample.groups] == [("off", 50, 0.5), ("on", 50, 0.5)]


def test_only_the_needed_rows_are_fetched(shop: Watched) -> None:
    # All rows would take gigabytes, and minutes.
    assert unknown_of(shop.ask("SELECT generate_series(1, 1000000000)"))[0] == "ambiguous"


def test_a_query_that_takes_too_long_is_ended(shop: Watched, team_database: PostgresqlSource) -> None:
    limited = watched(shop.world, seconds=0.7)
    limited.sealer, limited.reader.definitions.sealer = shop.sealer, shop.sealer
    started = time.monotonic()

    code, _ = unknown_of(limited.ask("SELECT pg_sleep(60)"))

    assert code == "source_down"
    assert time.monotonic() - started < 30
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() AND state = 'active'"
    wait_for("the end of the query", lambda: team_database.one(waiting) == 0)


@pytest.mark.parametrize("credential", [None, SECRET])
def test_a_wrong_password_is_named_and_not_repeated(shop: Watched, team_database: PostgresqlSource, credential: str | None) -> None:
    shop.write_source("sql", team_database.address, credential=credential)

    code, message = unknown_of(shop.ask("SELECT 1"))

    assert code == "source_down"
    assert "password" in message
    assert SECRET not in message


def test_the_password_of_flaghoist_itself_is_not_sent(
    shop: Watched, team_database: PostgresqlSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    shop.write_source("sql", team_database.address)

    assert unknown_of(shop.ask("SELECT 1"))[0] == "source_down"


def test_a_private_address_is_refused_unless_allowed(shop: Watched) -> None:
    guarded = watched(shop.world, allow_private=False)
    guarded.reader.definitions.sealer = shop.sealer

    code, message = unknown_of(guarded.ask("SELECT 1"))

    assert code == "source_refused"
    assert "FLAGHOIST_METRICS_ALLOW_PRIVATE" in message


def test_a_server_that_says_nothing_is_given_up(shop: Watched) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shop.write_source("sql", f"postgresql://reader@127.0.0.1:{silent.getsockname()[1]}/postgres")

        code, _ = unknown_of(shop.ask("SELECT 1"))

    assert code == "source_down"
