"""Stops."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, insert, or_, select, update

from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import owners, stops
from domain.errors import NotFound
from domain.releases.stop import Stop

_STOPS = select(stops, owners.c.name.label("placer")).join(owners, owners.c.id == stops.c.placed_by)


class StopRepository:
    """The stops of projects. They are never deleted."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, stop: Stop, project_id: str) -> None:
        """Insert a stop."""
        values = stop.model_dump(exclude={"placed_by", "placed_by_id"}) | {"placed_by": stop.placed_by_id}
        self.connection.execute(insert(stops).values(project_id=project_id, **values))

    def standing(self, project_id: str, at: datetime) -> list[Stop]:
        """Return the stops in force at that time, oldest first."""
        query = _STOPS.where(stops.c.project_id == project_id, *in_force(at))
        return [_read_stop(row) for row in self.connection.execute(query.order_by(stops.c.id))]

    def get(self, stop_id: str, project_id: str) -> Stop:
        """Return one stop. Raises NotFound."""
        row = self.connection.execute(_STOPS.where(stops.c.project_id == project_id, stops.c.id == stop_id)).one_or_none()
        if row is None:
            raise NotFound(f"There is no stop '{stop_id}'.")
        return _read_stop(row)

    def page(self, project_id: str, wanted: Slice, standing_at: datetime | None) -> Page[Stop]:
        """Return stops, newest first: all of them, or only those in force at that time."""
        query = _STOPS.where(stops.c.project_id == project_id, *(in_force(standing_at) if standing_at else ()))
        return fetch_page(self.connection, query, stops.c.id, wanted, _read_stop, newest_first=True)

    def lift(self, stop_id: str, at: datetime, by: str) -> None:
        """Lift a stop. Lifting it again changes nothing."""
        standing = (stops.c.id == stop_id) & stops.c.lifted_at.is_(None)
        self.connection.execute(update(stops).where(standing).values(lifted_at=at, lifted_by=by))


def in_force(at: datetime | BindParameter[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a stop that is in force at that time."""
    return stops.c.lifted_at.is_(None), or_(stops.c.expires_at.is_(None), stops.c.expires_at > at)


def _read_stop(row: Row[Any]) -> Stop:
    fields = ("id", "reason", "environment", "pipeline", "placed_at", "expires_at", "lifted_at", "lifted_by")
    return Stop(placed_by=row.placer, placed_by_id=row.placed_by, **{field: getattr(row, field) for field in fields})
