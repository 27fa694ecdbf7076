"""The copy of flags that are kept in another system, refreshed before a request reads it. No call runs in a transaction."""

import time
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import structlog

from activities.providers.elsewhere import LIST_TTL, FlagsElsewhere
from activities.providers.errors import ProviderError
from activities.store.database import Database
from domain.errors import FeatureNotFound, ProviderRefused
from domain.flags.project import Project

log = structlog.get_logger()

VIEW_TTL = timedelta(seconds=1)
"""The age until which a flag counts as current for a view."""

READERS = 8
"""Flags that are read at the same time for one list."""

LIST_AGE = timedelta(seconds=60)
"""The age until which a list shows the last known state at once, while the flag is read for the next request."""

LIST_SECONDS = 10.0
"""The time after which no further flag is read for a list. The last known states of the others are shown."""

PAUSE = 5.0
"""Seconds after a failure in which views don't ask again, so that pages stay fast while the other system does not answer."""


class FreshFlags:
    """Refreshes what a request is about to read. For a project whose flags are kept here it does nothing. Threads share it."""

    def __init__(self, database: Database, elsewhere: FlagsElsewhere) -> None:
        self.database = database
        self.elsewhere = elsewhere
        self._failed_at: dict[str, float] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="flag-reader")
        self._reading: set[tuple[str, str]] = set()

    def require(self, project: str, feature: str | None = None) -> None:
        """Read the lists, and the flags of a feature, for a decision. Raises NotFound, ProviderRefused or a ProviderError."""
        self._refresh(self._project(project), feature, timedelta(0))

    def prefer(self, project: str, feature: str | None = None) -> None:
        """Read the same for a view, which shows the last known state if the other system can't be reached. Raises NotFound."""
        found = self._project(project)
        if not found.keeps_flags:
            self._attempt(found, feature, VIEW_TTL)

    def prefer_all(self, project: str, features: Collection[str]) -> None:
        """Read the flags of several features at the same time, for a list. Raises NotFound.

        Only those that were not read for a minute are waited for.
        """
        with self.database.reading() as store:
            found = store.projects.get(project)
            known = {} if found.keeps_flags else store.system_names.all(found.id, "feature")
        now, until = datetime.now(UTC), time.monotonic() + LIST_SECONDS
        ages = {each: abs(now - (known[each].read_at or datetime.min.replace(tzinfo=UTC))) for each in features if each in known}
        reads = {each: self._submit(found, each, until) for each, age in ages.items() if age > LIST_TTL}
        wait([read for each, read in reads.items() if read and ages[each] > LIST_AGE])

    def _submit(self, project: Project, feature: str, until: float) -> Future[None] | None:
        """Read a flag in the background, unless that is under way."""
        place = project.id, feature
        if place in self._reading:
            return None
        self._reading.add(place)
        read = self._readers.submit(self._attempt, project, feature, LIST_TTL, until)
        read.add_done_callback(lambda done: self._end(project, feature, done))
        return read

    def _end(self, project: Project, feature: str, read: Future[None]) -> None:
        self._reading.discard((project.id, feature))
        if not read.cancelled() and (error := read.exception()):
            log.error("flag_not_read", project=project.key, feature=feature, exc_info=error)

    def close(self) -> None:
        """Wait for the reads that are under way, and close every flag system."""
        self._readers.shutdown(cancel_futures=True)
        self.elsewhere.systems.close()

    def prefer_every(self, project: str) -> None:
        """Read the lists and the flags of every feature, for a view of all. Raises NotFound."""
        self.prefer(project)
        with self.database.reading() as store:
            found = store.projects.get(project)
            features = [] if found.keeps_flags else list(store.system_names.all(found.id, "feature"))
        self.prefer_all(project, features)

    def _attempt(self, project: Project, feature: str | None, ttl: timedelta, until: float = float("inf")) -> None:
        now = time.monotonic()
        if now > until or now - self._failed_at.get(project.id, -PAUSE) < PAUSE:
            return
        try:
            self._refresh(project, feature, ttl)
        except FeatureNotFound:
            return
        except (ProviderError, ProviderRefused):
            self._failed_at[project.id] = time.monotonic()

    def _refresh(self, project: Project, feature: str | None, ttl: timedelta) -> None:
        if feature is None:
            self.elsewhere.refresh_lists(project)
        else:
            self.elsewhere.refresh(project, feature, ttl=ttl)

    def _project(self, key: str) -> Project:
        with self.database.reading() as store:
            return store.projects.get(key)
