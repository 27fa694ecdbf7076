"""The newest entries of the audit log, read from the database: requests to the API would fill its log every second."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from activities.store.database import Database
from activities.store.paging import MOST, Slice
from api.embedded.format_event import FORMATS, format_event
from domain.audit import AuditEntry

MAX_PAGES = 3
"""The maximum number of pages that each poll reads. Older entries are lost."""


class AuditTail:
    """The audit entries of all projects since a time, each returned once."""

    def __init__(self, database: Database, since: datetime) -> None:
        self.database = database
        self.since = since
        self._seen: set[str] = set()

    def new_lines(self) -> list[str]:
        """Return a line for each new entry about a step of a flag, oldest first."""
        entries = [each.model_dump(mode="json") for each in self._new_entries()]
        self._seen.update(entry["id"] for entry in entries)
        return [format_event(entry) for entry in sorted(entries, key=_position) if entry["event"] in FORMATS]

    def _new_entries(self) -> Iterator[AuditEntry]:
        """Read the whole newest page: two processes write the log, so an entry may appear behind a newer one."""
        slice_: Slice | None = Slice(limit=MOST)
        for _ in range(MAX_PAGES):
            if slice_ is None:
                return
            with self.database.reading() as store:
                page = store.audit.page(slice_, {}, since=self.since)
            new = [entry for entry in page.items if entry.id not in self._seen]
            yield from new
            slice_ = Slice(page.next, MOST) if page.next and len(new) == len(page.items) else None


def _position(entry: Any) -> tuple[str, str]:
    return entry["at"], entry["id"]
