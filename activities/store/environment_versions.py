"""Versions of environments. A transaction that changes what applications see raises them once, at its end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, literal, select, update
from sqlalchemy import case as choose

from activities.store.tables import environments, projects, serving

CHANNEL = "flaghoist_environments"
"""The PostgreSQL channel that announces new versions."""


class EnvironmentVersions:
    """The environments that one transaction has changed for applications.

    A version is the time of the last change in microseconds since 1970, or the last version plus one if that is larger.
    The rows are written last, so that concurrent changes to one environment hardly wait for each other.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._environments: set[str] = set()
        self._projects: list[str | Select[Any]] = []

    def touch(self, environment_id: str) -> None:
        """Mark this environment as changed."""
        self._environments.add(environment_id)

    def touch_all(self, project_id: str | Select[Any]) -> None:
        """Mark every environment of the project as changed."""
        self._projects.append(project_id)

    def raise_touched(self) -> frozenset[str]:
        """Raise the version of every touched environment and return their ids. PostgreSQL notifies listeners at the commit."""
        touched = self._environments | {found for project in self._projects for found in self._environments_of(project)}
        if len(touched) > 1:
            self._lock_in_order(touched)
        if touched:
            self._raise(touched)
        return frozenset(touched)

    def current(self) -> Mapping[str, int]:
        """Return environment id -> version of every environment that is not deleted."""
        served = serving.join(environments).join(projects)
        alive = environments.c.deleted_at.is_(None) & projects.c.deleted_at.is_(None)
        query = select(serving.c.environment_id, serving.c.version).select_from(served).where(alive)
        return {row.environment_id: row.version for row in self.connection.execute(query)}

    def _environments_of(self, project_id: str | Select[Any]) -> list[str]:
        owner = project_id if isinstance(project_id, str) else project_id.scalar_subquery()
        return list(self.connection.execute(select(environments.c.id).where(environments.c.project_id == owner)).scalars())

    def _lock_in_order(self, touched: set[str]) -> None:
        rows = select(serving.c.environment_id).where(serving.c.environment_id.in_(touched)).order_by(serving.c.environment_id)
        self.connection.execute(rows.with_for_update()).all()

    def _raise(self, touched: set[str]) -> None:
        raised = update(serving).where(serving.c.environment_id.in_(touched)).values(version=_after(serving.c.version))
        if self.connection.dialect.name == "sqlite":
            self.connection.execute(raised)
        else:
            done = raised.returning(cast(serving.c.environment_id, String)).cte("raised")
            self.connection.execute(select(func.pg_notify(CHANNEL, literal(""))).select_from(done))


def version_at(moment: datetime) -> int:
    """Return the version of a change at that time."""
    return int(moment.timestamp() * 1_000_000)


def _after(version: ColumnElement[int]) -> ColumnElement[int]:
    now = version_at(datetime.now(UTC))
    return choose((version >= now, version + 1), else_=now)
