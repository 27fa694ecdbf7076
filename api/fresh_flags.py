"""The copy of flags that are kept in another system, refreshed before a request reads it. No call runs in a transaction."""

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from activities.providers.elsewhere import LIST_TTL, FlagsElsewhere
from activities.providers.errors import ProviderError
from activities.store.database import Database
from domain.errors import FeatureNotFound, ProviderRefused
from domain.flags.project import Project

VIEW_TTL = timedelta(seconds=1)
"""The age until which a flag counts as current for a view."""

READERS = 8
"""Flags that are read at the same time for one list."""

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

    def require(self, project: str, feature: str | None = None) -> None:
        """Read the lists, and the flags of a feature, for a decision. Raises NotFound, ProviderRefused or a ProviderError."""
        self._refresh(self._project(project), feature, timedelta(0))

    def prefer(self, project: str, feature: str | None = None) -> None:
        """Read the same for a view, which shows the last known state if the other system can't be reached. Raises NotFound."""
        found = self._project(project)
        if not found.keeps_flags:
            self._attempt(found, feature, VIEW_TTL)

    def prefer_all(self, project: str, features: Collection[str]) -> None:
        """Read the flags of several features at the same time, for a list. Raises NotFound."""
        found, until = self._project(project), time.monotonic() + LIST_SECONDS
        if found.keeps_flags or not features:
            return
        with ThreadPoolExecutor(READERS) as pool:
            for reading in [pool.submit(self._attempt, found, feature, LIST_TTL, until) for feature in features]:
                reading.result()

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
