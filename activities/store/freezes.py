"""Freezes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import freezes
from domain.errors import NotFound
from domain.pipelines.freeze import Freeze


class FreezeRepository:
    """The freezes of projects."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, freeze: Freeze, project_id: str) -> None:
        """Insert a freeze."""
        values = freeze.model_dump(exclude={"environments"}) | {"environments": list(freeze.environments)}
        self.connection.execute(insert(freezes).values(project_id=project_id, **values))

    def ahead(self, project_id: str, at: datetime) -> list[Freeze]:
        """Return the freezes that have not ended by that time, the next to end first."""
        query = select(freezes).where(freezes.c.project_id == project_id, freezes.c.ends_at > at)
        return [_read_freeze(row) for row in self.connection.execute(query.order_by(freezes.c.ends_at, freezes.c.id))]

    def get(self, freeze_id: str, project_id: str) -> Freeze:
        """Return one freeze. Raises NotFound."""
        query = select(freezes).where(freezes.c.project_id == project_id, freezes.c.id == freeze_id)
        row = self.connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"There is no freeze '{freeze_id}'.")
        return _read_freeze(row)

    def page(self, project_id: str, wanted: Slice) -> Page[Freeze]:
        """Return all freezes, newest first."""
        query = select(freezes).where(freezes.c.project_id == project_id)
        return fetch_page(self.connection, query, freezes.c.id, wanted, _read_freeze, newest_first=True)

    def delete(self, freeze_id: str) -> None:
        """Delete a freeze. The audit log keeps a record of it."""
        self.connection.execute(delete(freezes).where(freezes.c.id == freeze_id))


def _read_freeze(row: Row[Any]) -> Freeze:
    values = {field: getattr(row, field) for field in ("id", "name", "reason", "environments", "starts_at", "ends_at", "made_by")}
    return Freeze(**values)
