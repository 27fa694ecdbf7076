"""Projects, and the environments and segments that they own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from activities.store.environment_keys import EnvironmentKeyRepository
from activities.store.keyed_repository import KeyedRepository, key_taken
from activities.store.tables import environments, projects, segments
from domain.errors import EnvironmentNotFound, SegmentNotFound
from domain.flags.project import Environment, Project, Segment


class ProjectRepository(KeyedRepository[Project]):
    """Projects, by key. A deleted one keeps its key: grants and the audit log name it, and would open another of that name."""

    table = projects
    noun = "project"

    def read(self, row: Row[Any]) -> Project:
        """The project of a row."""
        return Project(id=row.id, key=row.key, name=row.name)

    def insert(self, at: datetime, **values: Any) -> None:
        """Add one. Raises Conflict where the key is taken, or ever was."""
        if self.connection.execute(select(projects.c.id).where(projects.c.key == values["key"])).first():
            raise key_taken(self.noun, values["key"])
        super().insert(at, **values)

    def update(self, id_: str, **values: Any) -> None:
        """Change or delete one. Environment documents contain its name; after a deletion its keys stop working."""
        super().update(id_, **values)
        self.versions.touch_all(id_)


class EnvironmentRepository(KeyedRepository[Environment]):
    """A project's environments, by key."""

    table = environments
    noun = "environment"
    missing = EnvironmentNotFound

    def read(self, row: Row[Any]) -> Environment:
        """The environment of a row."""
        return Environment(id=row.id, key=row.key, name=row.name)

    def owner_of(self, id_: str) -> str:
        """The id of the environment's project."""
        return str(self.connection.execute(self._project_of(id_)).scalar_one())

    def insert(self, at: datetime, **values: Any) -> None:
        """Add one, with the keys that applications read it with."""
        super().insert(at, **values)
        EnvironmentKeyRepository(self.connection, self.versions).begin(values["id"], at)

    def update(self, id_: str, **values: Any) -> None:
        """Change one in place; applications see its name."""
        super().update(id_, **values)
        self.versions.touch(id_)


class SegmentRepository(KeyedRepository[Segment]):
    """A project's segments, by key."""

    table = segments
    noun = "segment"
    missing = SegmentNotFound

    def read(self, row: Row[Any]) -> Segment:
        """The segment of a row."""
        return Segment(id=row.id, key=row.key, name=row.name, rules=row.rules)

    def insert(self, at: datetime, **values: Any) -> None:
        """Add one; applications see all segments."""
        super().insert(at, **values)
        self.versions.touch_all(values["project_id"])

    def update(self, id_: str, **values: Any) -> None:
        """Change one in place; who is in it changes what applications see."""
        super().update(id_, **values)
        self.versions.touch_all(self._project_of(id_))
