"""Leases for work that only one process should do at a time."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.tables import leases


class LeaseRepository:
    """Named leases, each held by one process until it expires."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def take(self, name: str, holder: str, now: datetime, length: timedelta) -> bool:
        """Acquire or extend a lease. Returns False if another process holds it."""
        until = leases.c.until
        free = or_(leases.c.holder == holder, until < now, until > now + 2 * length)  # Ignore a lease from a process whose clock is wrong.
        values = {"holder": holder, "until": now + length}
        if self.connection.execute(update(leases).where(leases.c.name == name, free).values(**values)).rowcount:
            return True
        if self.connection.execute(select(leases.c.name).where(leases.c.name == name)).first():
            return False
        try:
            with self.connection.begin_nested():
                self.connection.execute(insert(leases).values(name=name, **values))
        except IntegrityError:
            return False  # Acquired by another process concurrently.
        return True
