"""The versions of environments: each transaction that changes what applications see raises them, once, at its end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, literal, select, update
from sqlalchemy import case as choose

from activities.store.tables import environments, projects, serving

CHANNEL = "flaghoist_environments"
"""Where PostgreSQL tells that an environment has a new version."""


class EnvironmentVersions:
    """What one transaction changed for applications.

    A version is the time of the last change in microseconds since 1970, raised further where that would not make it larger than the last
    one. The rows are written last, so that those who change one environment at the same time hardly wait for each other.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._environments: set[str] = set()
        self._projects: list[str | Select[Any]] = []

    def touch(self, environment_id: str) -> None:
        """What applications see in this environment has changed."""
        self._environments.add(environment_id)

    def touch_all(self, project_id: str | Select[Any]) -> None:
        """What applications see has changed in every environment of the project."""
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
        """Environment id -> version, of every living environment."""
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
    """The version of what changed then."""
    return int(moment.timestamp() * 1_000_000)


def _after(version: ColumnElement[int]) -> ColumnElement[int]:
    now = version_at(datetime.now(UTC))
    return choose((version >= now, version + 1), else_=now)
