"""More completed flags than an answer lists."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from activities.store.database import Database
from activities.store.tables import releases
from tests.http import Api


def complete_many(api: Api, database_url: str, flags: int) -> None:
    """Complete `standard` for that many flags `flag-0`, `flag-1`, each a minute before the one before, and for one a month ago."""
    database, now = Database(database_url), datetime.now(UTC)
    for number in range(flags + 1):
        api.post("/projects/shop/features", {"key": f"flag-{number}"})
        done = update(releases).where(releases.c.id == api.add(f"flag-{number}")["id"])
        ended = now - (timedelta(minutes=number) if number < flags else timedelta(days=31))
        with database.transaction() as store:
            store.connection.execute(done.values(status="completed", ended_at=ended))
    database.close()
