"""Approvals of releases."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from activities.store.tables import approvals, owners
from domain.releases.approval import Approval


class ApprovalRepository:
    """The approvals of releases. They may lapse but are never deleted."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, approval: Approval, release_id: str) -> None:
        """Insert an approval."""
        values = approval.model_dump(exclude={"owner"})
        self.connection.execute(insert(approvals).values(release_id=release_id, **values))

    def of_visit(self, release_id: str, visit: int) -> list[Approval]:
        """Return the approvals of one visit that have not lapsed, oldest first."""
        query = select(approvals, owners.c.name.label("owner")).join(owners, owners.c.id == approvals.c.owner_id)
        given = (approvals.c.release_id == release_id, approvals.c.visit == visit, approvals.c.lapsed_at.is_(None))
        return [_read(row) for row in self.connection.execute(query.where(*given).order_by(approvals.c.id))]

    def lapse(self, release_id: str, visit: int, at: datetime) -> None:
        """Mark all approvals of a visit as lapsed, after a rejection."""
        given = (approvals.c.release_id == release_id) & (approvals.c.visit == visit) & approvals.c.lapsed_at.is_(None)
        self.connection.execute(update(approvals).where(given).values(lapsed_at=at))


def _read(row: Row[Any]) -> Approval:
    fields = ("id", "visit", "owner", "owner_id", "binds", "at", "reason")
    return Approval(**{field: getattr(row, field) for field in fields})
