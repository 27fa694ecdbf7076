"""Records the database of one version for upgrade tests: `python -m tests.store.record_database VERSION`."""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData, Table, insert, select, text

from activities.store.database import Database, Store
from activities.store.migrate import migrate
from tests.activities.acting import LATER, TWO_STAGES, act, change, change_by_hand, command_for, end_hold
from tests.pipelines import hold, pipeline, stage
from tests.webhooks import add_webhook
from tests.world import World, make_world

DATABASES = Path(__file__).parent / "databases"

Contents = dict[str, list[dict[str, Any]]]


def contents(database: Database) -> Contents:
    """Return every row of every table, as reflected from the database."""
    with database.reading() as store:
        return {table.name: [_written(dict(row)) for row in store.connection.execute(select(table)).mappings()] for table in tables(store)}


def fill(database: Database, rows: Contents) -> None:
    """Write recorded rows into the tables of the version that recorded them."""
    with database.transaction() as store:
        for table in tables(store):
            if rows.get(table.name):
                store.connection.execute(insert(table), [_read(table, row, naive=database.is_sqlite) for row in rows[table.name]])
        if rows.get("numbers") and not database.is_sqlite:  # Inserted values do not advance a sequence.
            store.connection.execute(text("SELECT setval(pg_get_serial_sequence('numbers', 'number'), max(number)) FROM numbers"))


def tables(store: Store) -> list[Table]:
    """Return the existing tables, each after those that it references."""
    found = MetaData()
    found.reflect(store.connection)
    for table in found.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type = JSON(none_as_null=True)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _written(row: dict[str, Any]) -> dict[str, Any]:
    """Convert times to text in UTC. SQLite stores them without a zone."""
    return {name: _in_utc(value).isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _read(table: Table, row: dict[str, Any], *, naive: bool) -> dict[str, Any]:
    times = {name for name, value in row.items() if value is not None and isinstance(table.columns[name].type, DateTime)}
    read = {name: datetime.fromisoformat(value) if name in times else value for name, value in row.items()}
    return {name: value.replace(tzinfo=None) if naive and name in times else value for name, value in read.items()}


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def what_a_team_has(world: World) -> None:
    """A waiting, a blocked, a completed and a starting release, one whose hold has ended, and a webhook with its deliveries."""
    add_webhook(world.database, "https://receiver.example.com/flags")
    for feature in ("banner", "search", "limits", "footer"):
        world.add_feature(feature)
    world.publish(TWO_STAGES)
    world.publish(pipeline(stage("Development"), key="short"))
    world.publish(pipeline(hold("Watch", "2d"), key="watch"))
    act(world, world.add("search"))
    blocked = world.add()
    change_by_hand(world, value="by hand")
    change(world, command_for(world, blocked), LATER)
    act(world, world.add("banner", "short"), LATER)
    world.add("limits", "watch")
    end_hold(world, world.add("footer", "watch"))


def main(version: str) -> None:
    """Record the database of the current version."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/flaghoist.db")
        migrate(database)
        what_a_team_has(make_world(database))
        (DATABASES / f"{version}.json").write_text(json.dumps(contents(database), indent=1, sort_keys=True) + "\n")
        database.close()


if __name__ == "__main__":
    main(sys.argv[1])
