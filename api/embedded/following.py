"""Following the audit log over HTTP."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from api.client import ApiClient, path_of
from api.embedded.telling import TOLD, tell

MOST_AT_ONCE = 500
"""How many entries back a look goes before it gives up on older ones."""


class Follower:
    """What has happened in any project since a time, each thing once."""

    def __init__(self, client: ApiClient, since: datetime) -> None:
        self.client = client
        self.since = since.isoformat()
        self._seen: set[str] = set()

    def news(self) -> list[str]:
        """A line for each step that was not told yet, oldest first."""
        entries = [entry for project in self.client.items("/projects") for entry in self._unseen(project["key"])]
        self._seen.update(entry["id"] for entry in entries)
        return [tell(entry) for entry in sorted(entries, key=_when) if entry["event"] in TOLD]

    def _unseen(self, project: str) -> Iterator[Any]:
        """Two processes write the log, so an entry may turn up behind a newer one: the newest page is looked at whole."""
        path = path_of("projects", project, "audit")
        for number, entry in enumerate(islice(self.client.items(path, since=self.since), MOST_AT_ONCE)):
            if entry["id"] not in self._seen:
                yield entry
            elif number >= 50:
                return


def _when(entry: Any) -> tuple[str, str]:
    return entry["at"], entry["id"]
