"""Metrics of projects."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.keyed_repository import key_taken
from activities.store.metric_tables import metrics
from activities.store.paging import Page, Slice, fetch_page
from domain.errors import NotFound
from domain.metrics.metric import Metric, MetricShape
from domain.text import did_you_mean


class MetricRepository:
    """A project's metrics, by key."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, project_id: str, key: str) -> Metric | None:
        """Return a metric of the project, or None."""
        row = self.connection.execute(select(metrics).where(_is(project_id, key))).one_or_none()
        return _read(row) if row else None

    def get(self, project_id: str, key: str) -> Metric:
        """Return a metric of the project. Raises NotFound."""
        found = self.find(project_id, key)
        if found is None:
            raise NotFound(f"There is no metric '{key}'.{did_you_mean(key, self.keys(project_id))}")
        return found

    def keys(self, project_id: str) -> list[str]:
        """Return the keys of a project's metrics."""
        query = select(metrics.c.key).where(metrics.c.project_id == project_id)
        return list(self.connection.execute(query.order_by(metrics.c.key)).scalars())

    def shapes(self, project_id: str) -> dict[str, MetricShape]:
        """Return key -> shape of each of the project's metrics."""
        found = self.connection.execute(select(metrics.c.definition).where(metrics.c.project_id == project_id)).all()
        return {metric.key: metric.shape for metric in map(_read, found)}

    def of_source(self, project_id: str, source: str) -> list[Metric]:
        """Return the metrics that a source answers, by key."""
        query = select(metrics).where(metrics.c.project_id == project_id, metrics.c.source == source)
        return [_read(row) for row in self.connection.execute(query.order_by(metrics.c.key))]

    def page(self, project_id: str, wanted: Slice) -> Page[Metric]:
        """Return a page of metrics by key."""
        query = select(metrics).where(metrics.c.project_id == project_id)
        return fetch_page(self.connection, query, metrics.c.key, wanted, _read, newest_first=False)

    def count(self, project_id: str) -> int:
        """Return the number of the project's metrics."""
        query = select(func.count()).select_from(metrics).where(metrics.c.project_id == project_id)
        return int(self.connection.execute(query).scalar_one())

    def add(self, project_id: str, metric: Metric) -> None:
        """Insert a metric. Raises Conflict if its key is taken."""
        try:
            self.connection.execute(insert(metrics).values(project_id=project_id, key=metric.key, **_written(metric)))
        except IntegrityError as error:
            raise key_taken("metric", metric.key) from error

    def write(self, project_id: str, metric: Metric) -> None:
        """Replace a metric."""
        self.connection.execute(update(metrics).where(_is(project_id, metric.key)).values(**_written(metric)))

    def delete(self, project_id: str, key: str) -> None:
        """Delete a metric."""
        self.connection.execute(delete(metrics).where(_is(project_id, key)))

    def delete_all(self, project_id: str) -> None:
        """Delete all metrics of a project."""
        self.connection.execute(delete(metrics).where(metrics.c.project_id == project_id))


def _is(project_id: str, key: str) -> ColumnElement[bool]:
    return (metrics.c.project_id == project_id) & (metrics.c.key == key)


def _read(row: Row[Any]) -> Metric:
    return Metric.model_validate(row.definition)


def _written(metric: Metric) -> dict[str, Any]:
    return {"source": metric.source, "definition": metric.model_dump(mode="json")}
