"""Changes that are under way in another flag system: decided, and not yet on the record."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from activities.store.provider_tables import intents
from activities.store.tables import releases
from activities.store.upsert import upsert
from domain.flags.change import Change


class IntentRepository:
    """Intended changes by the key of the change. Each stays until the change is on the record, or is known not to have been made."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get(self, key: str) -> Change | None:
        """Return the intended change with this key, or None."""
        row = self.connection.execute(select(intents).where(intents.c.key == key)).one_or_none()
        return Change.model_validate(row.change) if row else None

    def of_release(self, release_id: str) -> list[Change]:
        """Return all intended changes of a release, oldest first."""
        query = select(intents).where(intents.c.release_id == release_id).order_by(intents.c.opened_at, intents.c.key)
        return [Change.model_validate(row.change) for row in self.connection.execute(query)]

    def of_other_releases(self, release_id: str) -> list[Change]:
        """Return all intended changes of other releases of the same feature, oldest first."""
        feature = select(releases.c.feature_id).where(releases.c.id == release_id).scalar_subquery()
        query = select(intents).join(releases, releases.c.id == intents.c.release_id).where(releases.c.feature_id == feature)
        query = query.where(intents.c.release_id != release_id).order_by(intents.c.opened_at, intents.c.key)
        return [Change.model_validate(row.change) for row in self.connection.execute(query)]

    def opened_before(self, at: datetime, most: int) -> list[Change]:
        """Return intended changes that were opened before that time, oldest first."""
        query = select(intents).where(intents.c.opened_at < at).order_by(intents.c.opened_at).limit(most)
        return [Change.model_validate(row.change) for row in self.connection.execute(query)]

    def open(self, changes: Iterable[Change], at: datetime) -> None:
        """Store intended changes."""
        rows = [{"key": each.key, "release_id": each.release, "change": each.model_dump(mode="json"), "opened_at": at} for each in changes]
        if rows:
            upsert(self.connection, intents, rows)

    def close(self, key: str) -> bool:
        """Delete an intent. Returns False if it was closed already."""
        return bool(self.connection.execute(delete(intents).where(intents.c.key == key)).rowcount)
