"""The names that features and segments have in the flag system in which they are kept."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from activities.store.provider_tables import system_names

Noun = Literal["feature", "segment"]


class SystemName(NamedTuple):
    """The name of a feature, or the reference of a segment, and a digest of the definition that was last read.

    `foreign` has environment -> sentences on what others made there. `readings` counts how often its flags were stored.
    """

    key: str
    name: str
    digest: str = ""
    read_at: datetime | None = None
    foreign: Mapping[str, list[str]] = {}
    readings: int = 0


class SystemNames:
    """Names by project, noun and key."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def all(self, project_id: str, noun: Noun) -> dict[str, SystemName]:
        """Return key -> name."""
        query = select(system_names).where(system_names.c.project_id == project_id, system_names.c.noun == noun)
        return {row.key: _read(row) for row in self.connection.execute(query)}

    def find(self, project_id: str, noun: Noun, key: str) -> SystemName | None:
        """Return the name of one feature or segment, or None if it is unknown."""
        row = self.connection.execute(select(system_names).where(*_place(project_id, noun, key))).one_or_none()
        return _read(row) if row else None

    def add(self, project_id: str, noun: Noun, names: Iterable[SystemName]) -> None:
        """Insert names."""
        rows = [{"project_id": project_id, "noun": noun, "key": each.key, "name": each.name, "digest": each.digest} for each in names]
        if rows:
            self.connection.execute(insert(system_names), rows)

    def remove(self, project_id: str, noun: Noun, keys: Iterable[str]) -> None:
        """Delete names."""
        for key in keys:
            self.connection.execute(delete(system_names).where(*_place(project_id, noun, key)))

    def remove_all(self, project_id: str) -> None:
        """Delete all names of a project."""
        self.connection.execute(delete(system_names).where(system_names.c.project_id == project_id))

    def note_read(self, project_id: str, feature: str, at: datetime, foreign: Mapping[str, list[str]]) -> None:
        """Store when a feature's flags were last read, and what others made in them."""
        values = {"read_at": at, "foreign_parts": dict(foreign), "readings": system_names.c.readings + 1}
        self.connection.execute(update(system_names).where(*_place(project_id, "feature", feature)).values(**values))


def _place(project_id: str, noun: Noun, key: str) -> tuple[Any, ...]:
    return system_names.c.project_id == project_id, system_names.c.noun == noun, system_names.c.key == key


def _read(row: Any) -> SystemName:
    return SystemName(row.key, row.name, row.digest, row.read_at, row.foreign_parts or {}, row.readings)
