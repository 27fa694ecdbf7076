"""Following the audit log: read from the database, since asking the API each second would fill its log with our own questions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from activities.store.database import Database
from activities.store.paging import MOST, Slice
from api.embedded.format_event import TOLD, format_event
from domain.audit import AuditEntry

MOST_PAGES = 3
"""How many pages back a look goes before it gives up on older ones."""


class AuditTail:
    """What has happened in any project since a time, each thing once."""

    def __init__(self, database: Database, since: datetime) -> None:
        self.database = database
        self.since = since
        self._seen: set[str] = set()

    def news(self) -> list[str]:
        """A line for each step that was not told yet, oldest first."""
        entries = [each.model_dump(mode="json") for each in self._unseen()]
        self._seen.update(entry["id"] for entry in entries)
        return [format_event(entry) for entry in sorted(entries, key=_when) if entry["event"] in TOLD]

    def _unseen(self) -> Iterator[AuditEntry]:
        """Two processes write the log, so an entry may turn up behind a newer one: the newest page is looked at whole."""
        wanted: Slice | None = Slice(limit=MOST)
        for _ in range(MOST_PAGES):
            if wanted is None:
                return
            with self.database.reading() as store:
                page = store.audit.page(wanted, {}, since=self.since)
            new = [entry for entry in page.items if entry.id not in self._seen]
            yield from new
            wanted = Slice(page.next, MOST) if page.next and len(new) == len(page.items) else None


def _when(entry: Any) -> tuple[str, str]:
    return entry["at"], entry["id"]
