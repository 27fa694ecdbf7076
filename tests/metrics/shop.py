"""A project with metric sources, and the reader that asks them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from activities.dns import Resolver
from activities.metrics.reader import MetricReader
from activities.providers.sealing import Sealer, new_secret_key
from activities.store.metric_sources import StoredSource
from domain.metrics.metric import Metric, MetricQuestion
from domain.metrics.sample import Sample
from domain.metrics.source import MetricSource
from tests.waiting import CEILING
from tests.world import World

SECRET = "credential-of-a-source"  # noqa: S105 (of no one)


@dataclass
class Watched:
    """A project whose metrics are asked."""

    world: World
    sealer: Sealer
    reader: MetricReader

    def write_source(self, kind: str, address: str, key: str = "main", credential: str | None = None, **more: Any) -> None:
        """Write a source, or replace it."""
        source = MetricSource.model_validate({"key": key, "name": key, "kind": kind, "address": address, **more})
        sealed = self.sealer.seal(SecretStr(credential)) if credential else None
        with self.world.database.transaction() as store:
            is_new = store.metric_sources.find(self.world.project.id, key) is None
            write = store.metric_sources.add if is_new else store.metric_sources.write
            write(self.world.project.id, StoredSource(source, sealed, datetime.now(UTC)))

    def write_metric(self, query: str, key: str = "errors", source: str = "main", **more: Any) -> Metric:
        """Write a metric, or replace it."""
        metric = Metric.model_validate({"key": key, "name": key, "source": source, "query": query, **more})
        with self.world.database.transaction() as store:
            is_new = store.metrics.find(self.world.project.id, key) is None
            write = store.metrics.add if is_new else store.metrics.write
            write(self.world.project.id, metric)
        return metric

    def question(self, metric: str = "errors", **more: Any) -> MetricQuestion:
        """Return a question about the flag `checkout`, now."""
        at = more.pop("at", datetime.now(UTC))
        values = {"project": self.world.project.key, "metric": metric, "feature": "checkout", "environment": "production"}
        return MetricQuestion(**values | {"since": at - timedelta(minutes=5), "at": at} | more)

    def ask(self, query: str, at: datetime | None = None, variant: str | None = None, feature: str = "checkout", **more: Any) -> Sample:
        """Return the answer of a metric that is not stored."""
        asked: dict[str, Any] = {"at": at or datetime.now(UTC), "variant": variant, "feature": feature}
        asked |= {"since": more.pop("since")} if "since" in more else {}
        metric = Metric.model_validate({"key": "unstored", "name": "unstored", "source": "main", "query": query, **more})
        with self.world.database.reading() as store:
            stored = store.metric_sources.get(self.world.project.id, "main")
        return self.reader.ask(metric, stored, self.question(**asked))


def watched(world: World, folder: Path | None = None, seconds: float = CEILING, *, allow_private: bool = True) -> Watched:
    """Return the project with a reader. SQLite files are in `folder`."""
    sealer = Sealer([new_secret_key()])
    return Watched(world, sealer, MetricReader(world.database, sealer, Resolver(allow_private=allow_private), folder, seconds))


def unknown_of(sample: Sample) -> tuple[str, str]:
    """Return the code and the message of a sample that can't tell."""
    assert sample.unknown is not None, f"the sample has a value: {sample}"
    assert sample.value is None
    assert not sample.groups
    return sample.unknown.code, sample.unknown.message
