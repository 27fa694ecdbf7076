"""Overdue releases without waiting."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from activities.store.database import Database
from activities.store.tables import releases


def make_overdue(database_url: str, release_id: str, by: timedelta = timedelta(minutes=2)) -> None:
    """Write into the record that the release is running, and that its stage was due that long ago."""
    database = Database(database_url)
    due = datetime.now(UTC) - by
    with database.transaction() as store:
        late = update(releases).where(releases.c.id == release_id)
        store.connection.execute(late.values(status="running", entered_at=due, acts_at=due))
    database.close()
