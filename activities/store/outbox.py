"""The outbox: messages for Temporal, written in the transaction that caused them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from activities.store.identifiers import new_id
from activities.store.tables import outbox
from activities.tracing import current_traceparent

LEASE = timedelta(seconds=20)
CLOCKS_DIFFER = timedelta(seconds=10)
"""The clock difference between processes beyond which a lease is considered wrong."""


class OutboxKind(StrEnum):
    """The kinds of messages."""

    START = "start"
    LOOK_AGAIN = "look_again"
    ROLL_BACK = "roll_back"


class OutboxEntry(NamedTuple):
    """One message for Temporal about one release."""

    id: str
    kind: OutboxKind
    release: str
    attempts: int
    traceparent: str | None = None
    """The span in which it was written, if traces are on there."""


class Outbox:
    """Entries, decisions before starts, then by age.

    A lease keeps processes from handling the same entry; handling one twice does no harm.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, kind: OutboxKind, release_id: str) -> None:
        """Insert an entry, to be handled after this transaction."""
        values = {"kind": kind.value, "release_id": release_id, "attempts": 0, "traceparent": current_traceparent()}
        self.connection.execute(insert(outbox).values(id=new_id(), **values))

    def lease(self, now: datetime, most: int) -> list[OutboxEntry]:
        """Lease entries that no other process has leased. Starts come last, so that no decision waits for many of them."""
        free = _free(now)
        ids = (
            select(outbox.c.id)
            .where(free)
            .order_by(outbox.c.kind == OutboxKind.START.value, outbox.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        leased = update(outbox).where(outbox.c.id.in_(ids.scalar_subquery()))
        values = {"leased_until": now + LEASE, "attempts": outbox.c.attempts + 1}
        columns = (outbox.c.id, outbox.c.kind, outbox.c.release_id, outbox.c.attempts, outbox.c.traceparent)
        rows = self.connection.execute(leased.values(**values).returning(*columns)).all()
        return sorted(OutboxEntry(row.id, OutboxKind(row.kind), row.release_id, row.attempts, row.traceparent) for row in rows)

    def has_work(self, now: datetime) -> bool:
        """True if an entry is free to be leased."""
        return self.connection.execute(select(outbox.c.id).where(_free(now)).limit(1)).first() is not None

    def postpone(self, entry: OutboxEntry, not_before: datetime) -> None:
        """Release the lease of an entry that failed, and retry it no earlier than `not_before`."""
        self.connection.execute(update(outbox).where(outbox.c.id == entry.id).values(leased_until=not_before))

    def delete(self, entry: OutboxEntry) -> None:
        """Delete an entry that has been handled."""
        self.connection.execute(delete(outbox).where(outbox.c.id == entry.id))


def _free(now: datetime) -> ColumnElement[bool]:
    """Match entries without a valid lease. A lease that ends later than any lease can was set by a wrong clock and is ignored."""
    until = outbox.c.leased_until
    return or_(until.is_(None), until < now, until > now + LEASE + CLOCKS_DIFFER)
