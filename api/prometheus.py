"""What an API process tells Prometheus: its own requests, and how the releases of the whole deployment stand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from activities.store.database import Database
from api.problems import OUTAGES
from domain.releases.status import ReleaseStatus
from domain.releases.waiting import PATIENCE

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Answered(NamedTuple):
    """One request as it was answered; `route` is a template, so that there are few of them."""

    method: str
    route: str
    status: str
    seconds: float
    problem: str | None


class ApiMetrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "flaghoist_http_requests", "Requests that this process answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "flaghoist_http_request_seconds", "How long this process took to answer.", ("method", "route"), registry=self.registry
        )
        self._refusals = Counter(
            "flaghoist_http_refusals", "Requests that this process answered with a problem.", ("code",), registry=self.registry
        )

    def note(self, answered: Answered) -> None:
        """Count one request."""
        self._requests.labels(answered.method, answered.route, answered.status).inc()
        self._seconds.labels(answered.method, answered.route).observe(answered.seconds)
        if answered.problem:
            self._refusals.labels(answered.problem).inc()

    def watch(self, database: Database) -> None:
        """Ask this database, at each scrape, how the releases stand."""
        self.registry.register(_Releases(database))

    def page(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """When each series was first seen is of no use to anybody, and doubles what is scraped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _Releases(Collector):
    """Releases, by status only: there are as many projects as anybody likes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        reachable = True
        try:
            yield from self._ask()
        except OUTAGES:
            reachable = False
        yield GaugeMetricFamily("flaghoist_database_reachable", "Whether this process reached the database.", value=reachable)

    def _ask(self) -> list[Metric]:
        with self._database.reading() as store:
            counted = store.releases.count_by_status()
            lateness = store.releases.lateness(datetime.now(UTC), PATIENCE)
        releases = GaugeMetricFamily("flaghoist_releases", "Releases of all projects.", labels=("status",))
        for status in ReleaseStatus:
            releases.add_metric([status.value], counted.get(status.value, 0))
        seconds = lateness.worst.total_seconds()
        return [
            releases,
            GaugeMetricFamily("flaghoist_releases_overdue", "Releases that should have gone on a minute ago.", value=lateness.overdue),
            GaugeMetricFamily("flaghoist_worst_lateness_seconds", "By how much the latest of all releases is late.", value=seconds),
        ]
