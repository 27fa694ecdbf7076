"""Notices changes in projects, with the same two queries for all open pages of this process."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection
from datetime import timedelta
from typing import NamedTuple

import structlog

from activities.store.database import Database
from activities.store.identifiers import first_id_at
from api.dependencies import now

POLL_INTERVAL = 0.4
"""Seconds between polls while pages are open."""

OVERLAP = timedelta(seconds=10)
"""The time that is read again with each poll: an entry may be committed after one with a later id."""

SAMPLES_SECONDS = 5
"""Seconds after which new samples of metrics count as a change. They come all the time."""

log = structlog.get_logger()


class OpenPage(NamedTuple):
    """A project that is shown in a session, which is known by the hash of its token."""

    project: str
    session: str


class ProjectChanges:
    """Counts the changes of each project that an open page shows: the entries of the audit log, and now and then new samples."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._open: Counter[OpenPage] = Counter()
        self._ended: set[OpenPage] = set()
        self._counts: Counter[str] = Counter()
        self._changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._opened = asyncio.Event()
        self._seen: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Poll for as long as the process lives, while at least one page is open. Survive any database error."""
        while True:
            await self._opened.wait()
            try:
                await self._poll()
            except Exception as error:  # If this loop ended, open pages would stay old without anybody noticing.
                log.warning("project_changes_failed", error=str(error))
            await asyncio.sleep(POLL_INTERVAL)

    async def of(self, page: OpenPage) -> AsyncGenerator[int]:
        """Yield a number whenever the project has changed, at first at once, and end after the session may no longer see it."""
        self._open[page] += 1
        self._opened.set()
        try:
            known = -1
            while page not in self._ended:
                if self._counts[page.project] == known:
                    await self._changed[page.project].wait()
                known = self._counts[page.project]
                yield known
        finally:
            self._close(page)

    def _close(self, page: OpenPage) -> None:
        self._open[page] -= 1
        if not self._open[page]:
            del self._open[page]
            self._ended.discard(page)
        if not self._open:
            self._opened.clear()

    async def _poll(self) -> None:
        found = await asyncio.to_thread(self._read)
        changed = {project for id_, project in found.items() if id_ not in self._seen}
        if pages := [page for page in self._open if page.project in changed]:
            ended = await asyncio.to_thread(self._ended_among, pages)
            self._ended |= ended & self._open.keys()
        self._seen = frozenset(found)
        for project in changed:
            self._counts[project] += 1
            self._changed.pop(project, asyncio.Event()).set()

    def _ended_among(self, pages: Collection[OpenPage]) -> set[OpenPage]:
        """Return the pages whose session has ended, or has lost the right to see the project."""
        with self.database.reading() as store:
            callers = store.sessions.callers({page.session for page in pages}, now())
        return {page for page in pages if not ((caller := callers.get(page.session)) and caller.access.sees(page.project))}

    def _read(self) -> dict[str, str]:
        at = now()
        with self.database.reading() as store:
            changed = dict(store.audit.projects_since(first_id_at(at - OVERLAP)))
            sampled = store.evidence.projects_since(at - OVERLAP)
        return changed | {f"{project}/{newest.timestamp() // SAMPLES_SECONDS:.0f}": project for project, newest in sampled.items()}
