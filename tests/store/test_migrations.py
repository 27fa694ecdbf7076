"""Migrations bring every database to the current schema."""

import pytest
from sqlalchemy import inspect, text

from activities.store.database import Database
from activities.store.migrate import differences, migrate
from activities.store.tables import metadata
from tests.world import make_world


@pytest.fixture
def empty(database: Database) -> Database:
    """A database without tables."""
    metadata.drop_all(database.engine)
    with database.transaction() as store:
        store.connection.execute(text("DROP TABLE alembic_version"))
    assert inspect(database.engine).get_table_names() == []
    return database


def test_migrating_an_empty_database_creates_exactly_the_tables(empty: Database) -> None:
    assert len(differences(empty)) >= len(metadata.tables)

    migrate(empty)

    assert differences(empty) == []
    assert set(inspect(empty.engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_migrating_twice_is_the_same_as_migrating_once(database: Database) -> None:
    world = make_world(database)

    migrate(database)

    assert differences(database) == []
    assert world.flag("production").value == "classic", "nothing is lost"


def test_a_missing_column_is_reported(database: Database) -> None:
    with database.transaction() as store:
        store.connection.execute(text("DROP INDEX uq_releases_unfinished_feature"))
        store.connection.execute(text("ALTER TABLE leases ADD COLUMN surplus INTEGER"))

    assert len(differences(database)) == 2


def test_a_failed_migration_is_rolled_back(empty: Database) -> None:
    with empty.transaction() as store:
        store.connection.execute(text("CREATE TABLE stage_runs (in_the_way INTEGER)"))

    with pytest.raises(Exception, match="stage_runs"):
        migrate(empty)

    assert set(inspect(empty.engine).get_table_names()) == {"stage_runs"}
