"""Metric sources of projects. Credentials are stored encrypted."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.keyed_repository import key_taken
from activities.store.metric_tables import metric_sources
from activities.store.paging import Page, Slice, fetch_page
from domain.entity_tag import entity_tag
from domain.errors import NotFound
from domain.metrics.source import MetricSource, SourceKind
from domain.text import did_you_mean

_FIELDS = tuple(MetricSource.model_fields)


class StoredSource(NamedTuple):
    """A source, its encrypted credential, and when it last changed."""

    source: MetricSource
    sealed: str | None
    changed_at: datetime

    @property
    def etag(self) -> str:
        """The entity tag. It changes with the credential too, which it does not reveal."""
        return entity_tag(self.source, self.changed_at)


class MetricSourceRepository:
    """A project's metric sources, by key. Deleting one also deletes its credential; the audit log remains."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, project_id: str, key: str) -> StoredSource | None:
        """Return a source of the project, or None."""
        row = self.connection.execute(select(metric_sources).where(_is(project_id, key))).one_or_none()
        return _read(row) if row else None

    def get(self, project_id: str, key: str) -> StoredSource:
        """Return a source of the project. Raises NotFound."""
        found = self.find(project_id, key)
        if found is None:
            raise NotFound(f"There is no metric source '{key}'.{did_you_mean(key, self.keys(project_id))}")
        return found

    def keys(self, project_id: str) -> list[str]:
        """Return the keys of a project's sources."""
        query = select(metric_sources.c.key).where(metric_sources.c.project_id == project_id)
        return list(self.connection.execute(query.order_by(metric_sources.c.key)).scalars())

    def keys_of_kind(self, project_id: str, kind: SourceKind) -> list[str]:
        """Return the keys of the project's sources of that kind."""
        of_kind = (metric_sources.c.project_id == project_id) & (metric_sources.c.kind == kind.value)
        return list(self.connection.execute(select(metric_sources.c.key).where(of_kind)).scalars())

    def page(self, project_id: str, wanted: Slice) -> Page[StoredSource]:
        """Return a page of sources by key."""
        query = select(metric_sources).where(metric_sources.c.project_id == project_id)
        return fetch_page(self.connection, query, metric_sources.c.key, wanted, _read, newest_first=False)

    def count(self, project_id: str) -> int:
        """Return the number of the project's sources."""
        query = select(func.count()).select_from(metric_sources).where(metric_sources.c.project_id == project_id)
        return int(self.connection.execute(query).scalar_one())

    def add(self, project_id: str, stored: StoredSource) -> None:
        """Insert a source. Raises Conflict if its key is taken."""
        try:
            self.connection.execute(insert(metric_sources).values(project_id=project_id, **_written(stored)))
        except IntegrityError as error:
            raise key_taken("metric source", stored.source.key) from error

    def write(self, project_id: str, stored: StoredSource) -> None:
        """Replace a source with its credential."""
        self.connection.execute(update(metric_sources).where(_is(project_id, stored.source.key)).values(**_written(stored)))

    def delete(self, project_id: str, key: str) -> None:
        """Delete a source with its credential."""
        self.connection.execute(delete(metric_sources).where(_is(project_id, key)))

    def delete_all(self, project_id: str) -> None:
        """Delete all sources of a project. Its metrics are deleted before."""
        self.connection.execute(delete(metric_sources).where(metric_sources.c.project_id == project_id))


def _is(project_id: str, key: str) -> ColumnElement[bool]:
    return (metric_sources.c.project_id == project_id) & (metric_sources.c.key == key)


def _read(row: Row[Any]) -> StoredSource:
    source = MetricSource.model_validate({field: getattr(row, field) for field in _FIELDS})
    return StoredSource(source, row.credential, row.changed_at)


def _written(stored: StoredSource) -> dict[str, Any]:
    return {**stored.source.model_dump(mode="json"), "credential": stored.sealed, "changed_at": stored.changed_at}
