"""Projects, and the environments and segments that they own."""

from typing import Any

from sqlalchemy import Row

from activities.store.keyed import KeyedRepository
from activities.store.tables import environments, projects, segments
from domain.errors import EnvironmentNotFound, SegmentNotFound
from domain.project import Environment, Project, Segment


class ProjectRepository(KeyedRepository[Project]):
    """Projects, by key."""

    table = projects
    noun = "project"

    def read(self, row: Row[Any]) -> Project:
        """The project of a row."""
        return Project(id=row.id, key=row.key, name=row.name)


class EnvironmentRepository(KeyedRepository[Environment]):
    """A project's environments, by key."""

    table = environments
    noun = "environment"
    missing = EnvironmentNotFound

    def read(self, row: Row[Any]) -> Environment:
        """The environment of a row."""
        return Environment(id=row.id, key=row.key, name=row.name)


class SegmentRepository(KeyedRepository[Segment]):
    """A project's segments, by key."""

    table = segments
    noun = "segment"
    missing = SegmentNotFound

    def read(self, row: Row[Any]) -> Segment:
        """The segment of a row."""
        return Segment(id=row.id, key=row.key, name=row.name, rules=row.rules)
