"""Connections of projects to other flag systems. Credentials are stored encrypted."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import delete, func, select, update

from activities.store.provider_tables import connections
from activities.store.upsert import upsert
from domain.entity_tag import entity_tag
from domain.flags.connection import Connection, Outage

_FIELDS = tuple(Connection.model_fields)


class StoredConnection(NamedTuple):
    """A connection, its encrypted credential, and when it last changed."""

    connection: Connection
    sealed: str | None
    changed_at: datetime
    listed_at: datetime | None
    listings: int
    """The number of times that its features and segments were stored."""
    outage: Outage | None

    @property
    def etag(self) -> str:
        """The entity tag. It changes with the credential too, which it does not reveal."""
        return entity_tag((self.connection, self.changed_at))


class ConnectionRepository:
    """At most one connection for each project."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self.connection = connection

    def find(self, project_id: str) -> StoredConnection | None:
        """Return the connection of a project, or None if its flags are kept here."""
        row = self.connection.execute(select(connections).where(connections.c.project_id == project_id)).one_or_none()
        if row is None:
            return None
        outage = Outage.model_validate(row.outage) if row.outage else None
        connection = Connection.model_validate({field: getattr(row, field) for field in _FIELDS})
        return StoredConnection(connection, row.credential, row.changed_at, row.listed_at, row.listings, outage)

    def write(self, project_id: str, connection: Connection, sealed: str | None, at: datetime) -> None:
        """Store a connection. Without a credential, a stored one is kept."""
        values = {"project_id": project_id, **connection.model_dump(mode="json"), "credential": sealed, "changed_at": at}
        upsert(self.connection, connections, [values])

    def delete(self, project_id: str) -> None:
        """Delete the connection with its credential."""
        self.connection.execute(delete(connections).where(connections.c.project_id == project_id))

    def outages(self) -> dict[str, int]:
        """Return kind of system -> the number of projects whose calls fail, for each kind that is connected."""
        failing = func.count().filter(connections.c.outage.is_not(None))
        counted = select(connections.c.kind, failing.label("number")).group_by(connections.c.kind)
        return {row.kind: row.number for row in self.connection.execute(counted)}

    def note_listed(self, project_id: str, at: datetime) -> None:
        """Store when the features and segments were last listed."""
        self.connection.execute(
            update(connections).where(connections.c.project_id == project_id).values(listed_at=at, listings=connections.c.listings + 1)
        )

    def note_outage(self, project_id: str, outage: Outage | None) -> None:
        """Store that calls fail, or that they succeed again."""
        values = {"outage": outage.model_dump(mode="json") if outage else None}
        self.connection.execute(update(connections).where(connections.c.project_id == project_id).values(**values))
