"""Pipeline versions in the store, on SQLite and PostgreSQL."""

import pytest

from activities.store.database import Store
from domain.errors import Conflict
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus
from tests.pipelines import pipeline, stage
from tests.world import NOW, World

STANDARD = pipeline(stage("Development"))


def draft(store: Store, world: World, version: int, key: str = "standard") -> Pipeline:
    return store.pipelines.add(world.project.id, PipelineDefinition.model_validate(STANDARD | {"key": key}), NOW, version)


def test_a_key_has_each_version_once(world: World) -> None:
    world.publish(STANDARD)

    with world.database.transaction() as store:
        draft(store, world, 2)
    with pytest.raises(Conflict), world.database.transaction() as store:
        draft(store, world, 2)

    with world.database.reading() as store:
        assert [each.version for each in store.pipelines.versions(world.project.id, "standard")] == [1, 2]
        assert store.pipelines.versions(world.project.id, "other") == []


def test_a_key_resolves_to_the_published_version_for_reads_and_the_draft_for_writes(world: World) -> None:
    published = world.publish(STANDARD)

    with world.database.transaction() as store:
        second = draft(store, world, 2)
        assert store.pipelines.get(world.project.id, "standard") == published
        assert store.pipelines.to_change(world.project.id, "standard") == second
        assert store.pipelines.to_change(world.project.id, published.id) == published
        store.pipelines.delete(second)
        assert store.pipelines.to_change(world.project.id, "standard") == published


def test_archiving_affects_one_key_of_one_project(world: World) -> None:
    first, other = world.publish(STANDARD), world.publish(STANDARD | {"key": "other"})
    with world.database.transaction() as store:
        store.projects.insert(NOW, id="elsewhere", key="elsewhere", name="Elsewhere")
        theirs = store.pipelines.publish(store.pipelines.add("elsewhere", first.definition, NOW), NOW, "them")
        second = store.pipelines.publish(draft(store, world, 2), NOW, "olivia")
        third = draft(store, world, 3)

    with world.database.transaction() as store:
        assert store.pipelines.archive(world.project.id, "standard") == [1, 2]
        assert store.pipelines.archive(world.project.id, "standard") == []

    with world.database.reading() as store:
        statuses = {each.id: store.pipelines.version(each.id).status for each in (first, second, third, other, theirs)}
        assert store.pipelines.get(world.project.id, "standard").id == second.id
    assert statuses == {
        first.id: PipelineStatus.ARCHIVED,
        second.id: PipelineStatus.ARCHIVED,
        third.id: PipelineStatus.DRAFT,
        other.id: PipelineStatus.PUBLISHED,
        theirs.id: PipelineStatus.PUBLISHED,
    }
