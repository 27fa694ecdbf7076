"""Definitions of metrics with their opened sources, kept for a few seconds."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from pydantic import SecretStr

from activities.metrics.adapter import CannotTell, MetricAdapter
from activities.metrics.catalogue import Reach, open_source
from activities.metrics.http_json import HttpSource
from activities.providers.sealing import CredentialUnreadable, Sealer
from activities.store.database import Database
from activities.store.metric_sources import StoredSource
from domain.metrics.metric import Metric

KEPT_SECONDS = 3.0
"""The time after which a definition is read again."""

SHORTEST_SECRET = 4
"""The shortest credential that is removed from messages. A shorter one would remove ordinary words."""


class OpenedSource(NamedTuple):
    """A source that can be asked, and the turns for calls to it."""

    changed_at: datetime
    adapter: MetricAdapter
    turns: threading.BoundedSemaphore
    calls: int
    credential: SecretStr | None

    @property
    def http(self) -> HttpSource | None:
        """The source, if its kind is http."""
        return self.adapter if isinstance(self.adapter, HttpSource) else None

    def without_credential(self, message: str) -> str:
        """Return a message without the credential, which a source could repeat."""
        secret = self.credential.get_secret_value() if self.credential else ""
        return message.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else message


class _Definition(NamedTuple):
    """A metric, or None for a source alone."""

    until: float
    metric: Metric | None
    opened: OpenedSource


class Definitions:
    """The metrics and sources that were asked lately. Threads share it."""

    def __init__(self, database: Database, sealer: Sealer, reach: Reach, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self.sealer = sealer
        self.reach = reach
        self.clock = clock
        self._known: dict[tuple[str, str, str], _Definition] = {}
        self._opened: dict[tuple[str, str], OpenedSource] = {}
        self._lock = threading.Lock()

    def of_metric(self, project: str, key: str) -> tuple[Metric, OpenedSource]:
        """Return a stored metric and its source. Raises NotFound or CannotTell."""
        found = self._recall(project, "metric", key)
        if found is None or found.metric is None:
            with self.database.reading() as store:
                owner = store.projects.get(project)
                metric = store.metrics.get(owner.id, key)
                stored = store.metric_sources.get(owner.id, metric.source)
            found = self._keep(project, "metric", key, metric, self.of_source(project, stored))
        assert found.metric is not None  # noqa: S101 (for mypy)
        return found.metric, found.opened

    def of_source_named(self, project: str, key: str) -> OpenedSource:
        """Return a stored source. Raises NotFound or CannotTell."""
        found = self._recall(project, "source", key)
        if found is None:
            with self.database.reading() as store:
                stored = store.metric_sources.get(store.projects.get(project).id, key)
            found = self._keep(project, "source", key, None, self.of_source(project, stored))
        return found.opened

    def of_source(self, project: str, stored: StoredSource) -> OpenedSource:
        """Return a source, opened anew after it was changed. Raises CannotTell if its credential can't be read."""
        place = project, stored.source.key
        with self._lock:
            found = self._opened.get(place)
            if found is None or found.changed_at != stored.changed_at:
                found = self._opened[place] = self._open(stored)
        return found

    def _open(self, stored: StoredSource) -> OpenedSource:
        try:
            credential = self.sealer.unseal(stored.sealed) if stored.sealed else None
        except CredentialUnreadable as error:
            raise CannotTell("source_refused", str(error)) from None
        turns = threading.BoundedSemaphore(stored.source.calls)
        adapter = open_source(stored.source, credential, self.reach)
        return OpenedSource(stored.changed_at, adapter, turns, stored.source.calls, credential)

    def _recall(self, project: str, noun: str, key: str) -> _Definition | None:
        with self._lock:
            found = self._known.get((project, noun, key))
        return found if found and found.until > self.clock() else None

    def _keep(self, project: str, noun: str, key: str, metric: Metric | None, opened: OpenedSource) -> _Definition:
        found = _Definition(self.clock() + KEPT_SECONDS, metric, opened)
        with self._lock:
            self._known[project, noun, key] = found
        return found
