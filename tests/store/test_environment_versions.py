"""Every change that applications can see raises the environment's version."""

import threading
import time
from collections.abc import Callable

import pytest

from activities.store.change_listener import POLL_WITHOUT_NOTIFICATION, ChangeListener
from activities.store.database import Database, Store
from activities.store.identifiers import new_id
from activities.store.snapshots import read_snapshot
from domain.evaluation.snapshot import KeyKind
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from tests.activities.acting import TWO_STAGES, act
from tests.waiting import CEILING
from tests.world import NOW, World


def versions(world: World) -> dict[str, int]:
    """Return environment key -> version."""
    with world.database.reading() as store:
        keys = {each.id: each.key for each in store.environments.all(world.project.id)}
        return {keys[id_]: version for id_, version in store.versions.current().items() if id_ in keys}


def change_flag(world: World, environment: str, **patch: object) -> None:
    """Change a flag by hand."""
    with world.database.transaction() as store:
        feature = store.features.get("checkout", world.project.id, lock="update")
        where = store.environments.get(environment, world.project.id)
        state = FlagPatch.model_validate(patch).applied(store.features.state(feature, where))
        store.features.write_state(feature, where, state, NOW)


def raised(world: World, do: Callable[[Store], object]) -> set[str]:
    """Return the environments whose version this raises."""
    before = versions(world)
    with world.database.transaction() as store:
        do(store)
    after = versions(world)
    assert all(after[key] >= before[key] for key in after)
    return {key for key, version in after.items() if version > before[key]}


def test_a_change_of_a_flag_raises_the_version_of_its_environment_only(world: World) -> None:
    before = versions(world)

    change_flag(world, "production", enabled=True)

    after = versions(world)
    assert {key for key in after if after[key] > before[key]} == {"production"}


def test_a_stage_raises_the_version_in_its_own_transaction(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    before = versions(world)

    act(world, release)

    after = versions(world)
    assert {key for key in after if after[key] > before[key]} == {"development"}


EVERYWHERE = {"development", "staging", "production"}


def test_segments_and_features_raise_every_version(world: World) -> None:
    project = world.project.id
    with world.database.reading() as store:
        staff, checkout = store.segments.get("staff", project), store.features.get("checkout", project)

    def made(store: Store) -> None:
        store.segments.insert(NOW, id=new_id(), project_id=project, key="new", name="New", rules=[])

    assert raised(world, made) == EVERYWHERE
    assert raised(world, lambda store: store.segments.update(staff.id, rules=[])) == EVERYWHERE
    assert raised(world, lambda store: store.segments.delete(staff.id, NOW)) == EVERYWHERE
    assert raised(world, lambda store: store.features.update(checkout.id, name="Other")) == set(), "applications don't see it"
    assert raised(world, lambda store: store.features.delete(checkout.id, NOW)) == EVERYWHERE
    world_of = {"id": new_id(), "key": "search", "name": "Search", "description": "", "type": "toggle"}
    default = FlagState().model_dump(mode="json")
    assert raised(world, lambda store: store.features.insert(NOW, project_id=project, default_state=default, **world_of)) == EVERYWHERE


def test_key_rotation_raises_the_version(world: World) -> None:
    with world.database.reading() as store:
        production = store.environments.get("production", world.project.id).id
        before = store.environment_keys.keys([production])[production]

    assert raised(world, lambda store: store.environment_keys.rotate(production, KeyKind.SERVER)) == {"production"}

    with world.database.reading() as store:
        after = store.environment_keys.keys([production])[production]
        assert (after.client_key, after.server_key[:4]) == (before.client_key, "ser.")
        assert after.server_key != before.server_key
        assert store.environment_keys.holder(before.server_key) is None
        assert store.environment_keys.holder(after.server_key) == store.environment_keys.holder(after.client_key) == production


def test_a_failed_transaction_raises_nothing(world: World) -> None:
    before = versions(world)

    def fail() -> None:
        with world.database.transaction() as store:
            store.versions.touch_all(world.project.id)
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()

    assert versions(world) == before


def test_versions_rise_even_within_one_tick_of_the_clock(world: World) -> None:
    seen = [versions(world)["staging"]]
    for enabled in (True, False, True, False):
        change_flag(world, "staging", enabled=enabled)
        seen.append(versions(world)["staging"])

    assert seen == sorted(set(seen))


def test_concurrent_changes_of_one_environment_all_count(world: World) -> None:
    for number in range(6):
        world.add_feature(f"feature-{number}")
    seen: list[int] = []

    def change(number: int) -> None:
        with world.database.transaction() as store:
            feature = store.features.get(f"feature-{number}", world.project.id, lock="update")
            where = store.environments.get("production", world.project.id)
            store.features.write_state(feature, where, FlagState(enabled=True), NOW)
        seen.append(versions(world)["production"])

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    before = versions(world)["production"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CEILING)

    assert len(seen) == 6
    assert min(seen) > before


def test_the_listener_sees_changes_of_other_connections(world: World) -> None:
    watch = ChangeListener(Database(world.database.url.render_as_string(hide_password=False)))
    with world.database.reading() as store:
        production = store.environments.get("production", world.project.id).id
    known = watch.wait()[production]

    change_flag(world, "production", enabled=True)
    committed_at = time.monotonic()
    while watch.wait()[production] == known:
        # Once this time is over, PostgreSQL is polled, and a missing notification would not show.
        assert time.monotonic() - committed_at < POLL_WITHOUT_NOTIFICATION

    watch.close()
    watch.database.close()
    assert versions(world)["production"] > known


def test_a_snapshot_is_consistent_at_one_version(world: World) -> None:
    change_flag(world, "production", enabled=True, overrides={"staff": {"value": "new"}})
    with world.database.reading() as store:
        production = store.environments.get("production", world.project.id)
        snapshot = read_snapshot(store, production.id)

    assert snapshot
    assert (snapshot.environment, snapshot.version) == (production, versions(world)["production"])
    assert [(flag.feature.key, flag.state.enabled, set(flag.state.overrides)) for flag in snapshot.flags] == [("checkout", True, {"staff"})]
    assert [each.segment.key for each in snapshot.segments] == ["beta-users", "staff"]
    assert len({snapshot.number, *(each.number for each in snapshot.flags), *(each.number for each in snapshot.segments)}) == 4


def test_deleted_resources_are_not_served(world: World) -> None:
    with world.database.transaction() as store:
        production, staging = (store.environments.get(key, world.project.id).id for key in ("production", "staging"))
        key = store.environment_keys.keys([staging])[staging].client_key
        store.environments.delete(staging, NOW)

    with world.database.transaction() as store:
        assert read_snapshot(store, staging) is None
        assert store.environment_keys.holder(key) is None
        assert staging not in store.versions.current()
        store.projects.delete(world.project.id, NOW)

    with world.database.reading() as store:
        assert read_snapshot(store, production) is None
        assert store.versions.current() == {}
