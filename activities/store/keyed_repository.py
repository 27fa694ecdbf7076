"""The base of repositories whose resources have a unique key: projects, environments, segments and features."""

from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Connection, Row, Select, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.environment_versions import EnvironmentVersions
from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import numbers
from domain.errors import Conflict, NotFound, Problem
from domain.model import Frozen
from domain.text import MOST_COMPARED, did_you_mean

T = TypeVar("T", bound=Frozen)


class KeyedRepository(Generic[T]):
    """Resources identified by a key. Deleted ones stay in the table, and their key becomes free."""

    table: ClassVar[Table]
    noun: ClassVar[str]
    missing: ClassVar[type[NotFound]] = NotFound

    def __init__(self, connection: Connection, versions: EnvironmentVersions) -> None:
        self.connection = connection
        self.versions = versions

    def read(self, row: Row[Any]) -> T:
        """Convert a row to the domain's object."""
        raise NotImplementedError

    def _within(self, project_id: str | None) -> Select[Any]:
        query = select(self.table).where(self.table.c.deleted_at.is_(None))
        return query if project_id is None else query.where(self.table.c.project_id == project_id)

    def find(self, key: str, project_id: str | None = None, lock: str | None = None) -> T | None:
        """Return the resource with this key, or None. `lock` is `share` or `update`."""
        query = self._within(project_id).where(self.table.c.key == key)
        if lock:
            query = query.with_for_update(read=lock == "share")
        row = self.connection.execute(query).one_or_none()
        return self.read(row) if row else None

    def get(self, key: str, project_id: str | None = None, lock: str | None = None) -> T:
        """Return the resource with this key. Raises NotFound."""
        found = self.find(key, project_id, lock)
        if found is None:
            raise self.missing(f"There is no {self.noun} '{key}'.{self._suggestion(key, project_id)}")
        return found

    def by_id(self, id_: str) -> T | None:
        """Return the resource with this id, or None."""
        row = self.connection.execute(self._within(None).where(self.table.c.id == id_)).one_or_none()
        return self.read(row) if row else None

    def all(self, project_id: str | None = None) -> list[T]:
        """Return all resources that are not deleted, by key."""
        rows = self.connection.execute(self._within(project_id).order_by(self.table.c.key))
        return [self.read(row) for row in rows]

    def page(self, wanted: Slice, project_id: str | None = None, keys: list[str] | None = None) -> Page[T]:
        """Return a page of resources by key, limited to `keys` if given."""
        query = self._within(project_id)
        if keys is not None:
            query = query.where(self.table.c.key.in_(keys))
        return fetch_page(self.connection, query, self.table.c.key, wanted, self.read, newest_first=False)

    def insert(self, at: datetime, **values: Any) -> None:
        """Insert a resource. Raises Conflict if the key is taken."""
        try:
            self.connection.execute(insert(self.table).values(created_at=at, **values))
        except IntegrityError as error:
            raise key_taken(self.noun, values["key"]) from error
        self.connection.execute(insert(numbers).values(id=values["id"]))

    def update(self, id_: str, **values: Any) -> None:
        """Update a resource."""
        self.connection.execute(update(self.table).where(self.table.c.id == id_).values(**values))

    def delete(self, id_: str, at: datetime) -> None:
        """Mark a resource as deleted. Its row stays for the record of the past."""
        self.update(id_, deleted_at=at)

    def _suggestion(self, key: str, project_id: str | None) -> str:
        """Suggest only names of the same project: the caller may not see other projects."""
        if project_id is None:
            return ""
        query = self._within(project_id).with_only_columns(self.table.c.key).order_by(self.table.c.key).limit(MOST_COMPARED)
        return did_you_mean(key, self.connection.execute(query).scalars())

    def _project_of(self, id_: str) -> Select[Any]:
        return select(self.table.c.project_id).where(self.table.c.id == id_)


def key_taken(noun: str, key: str) -> Conflict:
    """Build the refusal of a key that is already in use."""
    message = f"The key '{key}' is already used by another {noun}: choose a different key."
    return Conflict(message, problems=(Problem(pointer="/key", code="taken", message=message),))
