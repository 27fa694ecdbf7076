"""What Temporal is still to be told, written in the transaction that decided it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from activities.store.identifiers import new_id
from activities.store.tables import outbox

LEASE = timedelta(seconds=20)
CLOCKS_DIFFER = timedelta(seconds=10)
"""By how much the clocks of two processes may, before one takes the other's leases for wrong."""


class OutboxKind(StrEnum):
    """What Temporal is told."""

    START = "start"
    LOOK_AGAIN = "look_again"
    ROLL_BACK = "roll_back"


class OutboxEntry(NamedTuple):
    """One thing to tell Temporal, about one release."""

    id: str
    kind: OutboxKind
    release: str
    attempts: int


class Outbox:
    """Entries, oldest first. A lease keeps processes out of each other's way; running one twice does no harm."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, kind: OutboxKind, release_id: str) -> None:
        """Leave an entry to be run after this transaction."""
        self.connection.execute(insert(outbox).values(id=new_id(), kind=kind.value, release_id=release_id, attempts=0))

    def lease(self, now: datetime, most: int) -> list[OutboxEntry]:
        """Take entries that nobody else is running."""
        free = _free(now)
        ids = select(outbox.c.id).where(free).order_by(outbox.c.id).limit(most).with_for_update(skip_locked=True)
        leased = update(outbox).where(outbox.c.id.in_(ids.scalar_subquery()))
        values = {"leased_until": now + LEASE, "attempts": outbox.c.attempts + 1}
        columns = (outbox.c.id, outbox.c.kind, outbox.c.release_id, outbox.c.attempts)
        rows = self.connection.execute(leased.values(**values).returning(*columns)).all()
        return sorted(OutboxEntry(row.id, OutboxKind(row.kind), row.release_id, row.attempts) for row in rows)

    def has_work(self, now: datetime) -> bool:
        """Whether any entry waits for somebody to run it."""
        return self.connection.execute(select(outbox.c.id).where(_free(now)).limit(1)).first() is not None

    def postpone(self, entry: OutboxEntry, not_before: datetime) -> None:
        """Leave an entry that could not be run for later."""
        self.connection.execute(update(outbox).where(outbox.c.id == entry.id).values(leased_until=not_before))

    def delete(self, entry: OutboxEntry) -> None:
        """Strike an entry off."""
        self.connection.execute(delete(outbox).where(outbox.c.id == entry.id))


def _free(now: datetime) -> ColumnElement[bool]:
    """Not leased, or no longer; what is leased for longer than any lease was so by a wrong clock, which nobody waits for."""
    until = outbox.c.leased_until
    return or_(until.is_(None), until < now, until > now + LEASE + CLOCKS_DIFFER)
