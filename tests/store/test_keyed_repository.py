"""Resources with a key that is unique until they are deleted."""

from datetime import timedelta

import pytest

from activities.store.database import Store
from activities.store.identifiers import new_id
from domain.errors import Conflict, EnvironmentNotFound, NotFound, SegmentNotFound
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from tests.world import NOW, World


def insert_segment(store: Store, world: World, key: str, **more: object) -> str:
    segment_id = new_id()
    store.segments.insert(NOW, id=segment_id, project_id=world.project.id, key=key, name=key, rules=[], **more)
    return segment_id


def test_a_key_becomes_free_when_its_resource_is_deleted(world: World) -> None:
    with pytest.raises(Conflict, match="The key 'staff' is already used by another segment"), world.database.transaction() as store:
        insert_segment(store, world, "staff")

    with world.database.transaction() as store:
        first = store.segments.get("staff", world.project.id)
        store.segments.delete(first.id, NOW)
        assert store.segments.find("staff", world.project.id) is None
        insert_segment(store, world, "staff")
        second = store.segments.get("staff", world.project.id)
        store.segments.delete(second.id, NOW)
        insert_segment(store, world, "staff")

    assert first.id != second.id


def test_keys_are_unique_per_project(world: World) -> None:
    with world.database.transaction() as store:
        store.projects.insert(NOW, id="other", key="other", name="Other")
        store.segments.insert(NOW, id="s", project_id="other", key="staff", name="Their staff", rules=[])

        assert store.segments.get("staff", "other").name == "Their staff"
        assert [each.key for each in store.segments.all("other")] == ["staff"]
        assert [each.key for each in store.segments.all(world.project.id)] == ["beta-users", "staff"]


def test_each_kind_of_missing_resource_has_its_own_refusal(world: World) -> None:
    with world.database.reading() as store:
        with pytest.raises(SegmentNotFound, match="There is no segment 'nobody'"):
            store.segments.get("nobody", world.project.id)
        with pytest.raises(EnvironmentNotFound, match="There is no environment 'moon'"):
            store.environments.get("moon", world.project.id)
        with pytest.raises(NotFound, match="There is no feature 'search'"):
            store.features.get("search", world.project.id)
        with pytest.raises(NotFound, match="There is no project 'mall'"):
            store.projects.get("mall")


def test_a_recreated_environment_starts_from_the_default(world: World) -> None:
    """The flag's state in the deleted environment is not reused."""
    feature = _enable_in(world, "production")

    with world.database.transaction() as store:
        store.environments.delete(store.environments.get("production", world.project.id).id, NOW)
        store.environments.insert(NOW + timedelta(days=1), id="new", project_id=world.project.id, key="production", name="Production")

    with world.database.reading() as store:
        states = store.features.states([store.features.get("checkout", world.project.id)], world.project.id)
    assert states[feature]["production"] == FlagState(enabled=False, value="classic")
    assert world.flag("production").enabled is False


def test_a_feature_has_a_state_in_every_environment_in_creation_order(world: World) -> None:
    feature = _enable_in(world, "staging")
    with world.database.transaction() as store:
        store.environments.insert(NOW + timedelta(days=1), id="new", project_id=world.project.id, key="canary", name="Canary")
        store.environments.delete(store.environments.get("development", world.project.id).id, NOW)

    with world.database.reading() as store:
        states = store.features.states([store.features.get("checkout", world.project.id)], world.project.id)

    assert {key: state.enabled for key, state in states[feature].items()} == {"staging": True, "production": False, "canary": False}
    assert list(states[feature])[-1] == "canary"


def _enable_in(world: World, environment: str) -> str:
    with world.database.transaction() as store:
        feature = store.features.get("checkout", world.project.id, lock="update")
        there = store.environments.get(environment, world.project.id)
        store.features.write_state(feature, there, FlagPatch(enabled=True).applied(feature.default), NOW)
    return feature.id
