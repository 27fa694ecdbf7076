"""Metrics and their sources in the store."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from activities.store.metric_sources import StoredSource
from activities.store.paging import Slice
from domain.errors import Conflict, NotFound
from domain.metrics.metric import Metric
from domain.metrics.source import MetricSource
from tests.world import NOW, World, make_world


def source(key: str = "main", **more: Any) -> MetricSource:
    values = {"key": key, "name": key.title(), "kind": "prometheus", "address": "https://prometheus.example", "username": "reader"}
    return MetricSource.model_validate(values | more)


def metric(key: str = "errors", **more: Any) -> Metric:
    values = {"key": key, "name": key.title(), "source": "main", "query": "up", "max_age": "5m"}
    return Metric.model_validate(values | more)


def test_a_source_is_returned_as_it_was_written(world: World) -> None:
    stored = StoredSource(source(), "sealed", NOW)
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, stored)

    with world.database.reading() as store:
        assert store.metric_sources.get(world.project.id, "main") == stored
        assert store.metric_sources.page(world.project.id, Slice()).items == [stored]
        assert store.metric_sources.count(world.project.id) == 1


def test_a_source_is_replaced_with_its_credential(world: World) -> None:
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), "sealed", NOW))
        store.metric_sources.write(world.project.id, StoredSource(source(calls=9), None, NOW + timedelta(seconds=1)))

        found = store.metric_sources.get(world.project.id, "main")

    assert (found.source.calls, found.sealed) == (9, None)


def test_the_tag_of_a_source_changes_with_its_credential_and_does_not_reveal_it() -> None:
    before, after = StoredSource(source(), "sealed", NOW), StoredSource(source(), "other", NOW + timedelta(microseconds=1))

    assert before.etag != after.etag
    assert before.etag == StoredSource(source(), "other", NOW).etag


def test_a_metric_is_returned_as_it_was_written(world: World) -> None:
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), None, NOW))
        store.metrics.add(world.project.id, metric())
        store.metrics.add(world.project.id, metric("latency"))
        store.metrics.write(world.project.id, metric(description="Per second"))

    with world.database.reading() as store:
        assert store.metrics.get(world.project.id, "errors") == metric(description="Per second")
        assert [each.key for each in store.metrics.page(world.project.id, Slice()).items] == ["errors", "latency"]
        assert [each.key for each in store.metrics.of_source(world.project.id, "main")] == ["errors", "latency"]
        assert store.metrics.of_source(world.project.id, "other") == []


def test_a_key_is_used_once_in_a_project(world: World) -> None:
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), None, NOW))
        store.metrics.add(world.project.id, metric())
    with pytest.raises(Conflict, match="another metric source"), world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), None, NOW))
    with pytest.raises(Conflict, match="another metric:"), world.database.transaction() as store:
        store.metrics.add(world.project.id, metric())


def test_two_projects_are_apart(world: World) -> None:
    other = make_world(world.database, "other")
    with world.database.transaction() as store:
        for each in (world, other):
            store.metric_sources.add(each.project.id, StoredSource(source(address=f"https://{each.project.key}.example"), None, NOW))
            store.metrics.add(each.project.id, metric(name=each.project.key))
        store.metrics.delete(other.project.id, "errors")
        store.metric_sources.delete(other.project.id, "main")

    with world.database.reading() as store:
        assert store.metrics.get(world.project.id, "errors").name == "shop"
        assert store.metric_sources.get(world.project.id, "main").source.address == "https://shop.example"
        assert store.metrics.find(other.project.id, "errors") is None
        assert store.metric_sources.find(other.project.id, "main") is None


def test_a_missing_one_is_named_with_a_suggestion(world: World) -> None:
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), None, NOW))
        store.metrics.add(world.project.id, metric())

    with world.database.reading() as store:
        with pytest.raises(NotFound, match="Did you mean 'main'"):
            store.metric_sources.get(world.project.id, "mian")
        with pytest.raises(NotFound, match="Did you mean 'errors'"):
            store.metrics.get(world.project.id, "error")


def test_a_metric_has_a_source(world: World) -> None:
    with pytest.raises((IntegrityError, Conflict)), world.database.transaction() as store:
        store.metrics.add(world.project.id, metric())


def test_everything_of_a_project_is_deleted(world: World) -> None:
    with world.database.transaction() as store:
        store.metric_sources.add(world.project.id, StoredSource(source(), None, NOW))
        store.metrics.add(world.project.id, metric())
        store.metrics.delete_all(world.project.id)
        store.metric_sources.delete_all(world.project.id)

        assert store.metrics.count(world.project.id) == store.metric_sources.count(world.project.id) == 0
