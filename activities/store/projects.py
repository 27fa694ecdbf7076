"""Projects, environments and segments."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from activities.store.environment_keys import EnvironmentKeyRepository
from activities.store.keyed_repository import KeyedRepository, key_taken
from activities.store.tables import environments, projects, segments
from domain.errors import EnvironmentNotFound, SegmentNotFound
from domain.flags.project import Environment, Project, Segment


class ProjectRepository(KeyedRepository[Project]):
    """Projects, by key. A deleted project's key is never reused: grants and audit entries that name it would apply to the new one."""

    table = projects
    noun = "project"

    def read(self, row: Row[Any]) -> Project:
        """Convert a row."""
        return Project(id=row.id, key=row.key, name=row.name, provider=row.provider)

    def insert(self, at: datetime, **values: Any) -> None:
        """Insert a project. Raises Conflict if the key is or ever was in use."""
        if self.connection.execute(select(projects.c.id).where(projects.c.key == values["key"])).first():
            raise key_taken(self.noun, values["key"])
        super().insert(at, **values)

    def update(self, id_: str, **values: Any) -> None:
        """Update or delete a project. Environment documents contain its name, and a deletion disables its environments' keys."""
        super().update(id_, **values)
        self.versions.touch_all(id_)


class EnvironmentRepository(KeyedRepository[Environment]):
    """A project's environments, by key."""

    table = environments
    noun = "environment"
    missing = EnvironmentNotFound

    def read(self, row: Row[Any]) -> Environment:
        """Convert a row."""
        return Environment(id=row.id, key=row.key, name=row.name)

    def owner_of(self, id_: str) -> str:
        """Return the id of the environment's project."""
        return str(self.connection.execute(self._project_of(id_)).scalar_one())

    def insert(self, at: datetime, **values: Any) -> None:
        """Insert an environment with its keys for applications."""
        super().insert(at, **values)
        EnvironmentKeyRepository(self.connection, self.versions).begin(values["id"], at)

    def update(self, id_: str, **values: Any) -> None:
        """Update or delete an environment. Applications see its name."""
        super().update(id_, **values)
        self.versions.touch(id_)


class SegmentRepository(KeyedRepository[Segment]):
    """A project's segments, by key."""

    table = segments
    noun = "segment"
    missing = SegmentNotFound

    def read(self, row: Row[Any]) -> Segment:
        """Convert a row."""
        return Segment(id=row.id, key=row.key, name=row.name, rules=row.rules)

    def was_deleted(self, key: str, project_id: str) -> bool:
        """True if a segment with this key was deleted."""
        query = select(segments.c.id).where(segments.c.project_id == project_id, segments.c.key == key, segments.c.deleted_at.is_not(None))
        return self.connection.execute(query.limit(1)).first() is not None

    def insert(self, at: datetime, **values: Any) -> None:
        """Insert a segment. Environment documents list all segments."""
        super().insert(at, **values)
        self.versions.touch_all(values["project_id"])

    def update(self, id_: str, **values: Any) -> None:
        """Update or delete a segment. Its rules decide what applications see."""
        super().update(id_, **values)
        self.versions.touch_all(self._project_of(id_))
