"""Metrics of an API process for Prometheus: its own requests, and the releases of the whole deployment."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from activities.store.database import Database
from api.problems import INTERNAL_ERROR, OUTAGES
from domain.releases.status import ReleaseStatus
from domain.releases.waiting import PATIENCE

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Answered(NamedTuple):
    """An answered request. `route` is a path template, which keeps the number of series small."""

    method: str
    route: str
    status: str
    seconds: float
    problem: str | None


class ApiMetrics:
    """The metrics of one application, in its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "flaghoist_http_requests", "Requests that this process answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "flaghoist_http_request_seconds", "Time that this process took to answer.", ("method", "route"), registry=self.registry
        )
        self._refusals = Counter(
            "flaghoist_http_refusals", "Requests that this process answered with a problem.", ("code",), registry=self.registry
        )
        self._refusals.labels(INTERNAL_ERROR)  # Start at zero, so that the first one counts as an increase.

    def count(self, answered: Answered) -> None:
        """Count one request."""
        self._requests.labels(answered.method, answered.route, answered.status).inc()
        self._seconds.labels(answered.method, answered.route).observe(answered.seconds)
        if answered.problem:
            self._refusals.labels(answered.problem).inc()

    def watch(self, database: Database) -> None:
        """Read the state of the releases from this database at each scrape."""
        self.registry.register(_Releases(database))

    def page(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """All metrics without their `_created` series, which double the size of a scrape and have no use here."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Releases(Collector):
    """Releases by status. They have no project label, because the number of projects is unbounded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        reachable = True
        try:
            yield from self._read()
        except OUTAGES:
            reachable = False
        yield GaugeMetricFamily("flaghoist_database_reachable", "1 if this process reached the database, else 0.", value=reachable)

    def _read(self) -> list[Metric]:
        with self._database.reading() as store:
            counted = store.releases.count_by_status()
            outages = store.connections.outages()
            lateness = store.releases.lateness(datetime.now(UTC), PATIENCE)
        releases = GaugeMetricFamily("flaghoist_releases", "Releases of all projects.", labels=("status",))
        for status in ReleaseStatus:
            releases.add_metric([status.value], counted.get(status.value, 0))
        failing = GaugeMetricFamily("flaghoist_provider_outages", "Projects whose flag system can't be called.", labels=("provider",))
        for kind, number in outages.items():
            failing.add_metric([kind], number)
        seconds = lateness.worst.total_seconds()
        return [
            releases,
            failing,
            GaugeMetricFamily(
                "flaghoist_releases_overdue", "Releases that should have continued more than a minute ago.", value=lateness.overdue
            ),
            GaugeMetricFamily("flaghoist_worst_lateness_seconds", "Delay of the most overdue release.", value=seconds),
        ]
