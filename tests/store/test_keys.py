"""Keys are stored as hashes, and rights belong to owners."""

from collections.abc import Callable
from pathlib import Path

import pytest

from activities.commands.bootstrap import keep_bootstrap_key
from activities.store.database import Database
from activities.store.keys import PREFIX, new_secret
from activities.store.tables import metadata
from domain.access import Access, Grant, Owner, Role
from domain.errors import KeyRevoked, NotFound
from tests.threads import at_once
from tests.world import NOW, World

ANNA = Owner(kind="person", name="anna")
PRODUCTION = Grant(project="shop", role=Role.OPERATOR, environments=("production",))
STAGING = Grant(project="shop", role=Role.OPERATOR, environments=("staging",))


def test_a_secret_identifies_its_key_and_owner(world: World) -> None:
    with world.database.transaction() as store:
        key = store.keys.add("anna's laptop", ANNA, [PRODUCTION], "fh_annas_secret", NOW)
        caller = store.keys.caller("fh_annas_secret")

        assert caller
        assert (caller.key, caller.owner, caller.access) == (key.id, ANNA, Access(grants=(PRODUCTION,)))
        assert store.keys.get(key.id) == key
        for wrong in ("", "fh_annas_secre", "fh_annas_secret ", "FH_ANNAS_SECRET", key.id, "\ud800", "\x00"):
            assert store.keys.caller(wrong) is None
        with pytest.raises(NotFound):
            store.keys.get("nothing")


def test_a_secret_is_nowhere_in_the_database(world: World) -> None:
    secret = new_secret()
    with world.database.transaction() as store:
        store.keys.add("anna's laptop", ANNA, [PRODUCTION], secret, NOW)
        assert store.keys.caller(secret)

    with world.database.reading() as store:
        rows = [repr(row) for table in metadata.sorted_tables for row in store.connection.execute(table.select())]
    assert any("anna's laptop" in row for row in rows)
    assert not any(secret in row or secret.removeprefix(PREFIX) in row for row in rows)


def test_a_secret_is_nowhere_in_the_files_of_an_embedded_database(sqlite: Database) -> None:
    secret = new_secret()
    with sqlite.transaction() as store:
        store.keys.add("anna's laptop", ANNA, [PRODUCTION], secret, NOW)

    path = Path(str(sqlite.url.database))
    kept = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    assert b"anna's laptop" in kept
    assert secret.removeprefix(PREFIX).encode() not in kept


def test_secrets_are_long_and_unique() -> None:
    made = {new_secret() for _ in range(1_000)}

    assert len(made) == 1_000
    assert all(len(secret) >= 46 and secret.startswith("fh_") for secret in made)


def test_a_revoked_key_stops_working_for_good(world: World) -> None:
    with world.database.transaction() as store:
        key = store.keys.add("anna's laptop", ANNA, [PRODUCTION], "fh_annas_secret", NOW)
        store.keys.revoke(key.id, NOW)
        store.keys.revoke(key.id, NOW.replace(year=2027))

        assert store.keys.caller("fh_annas_secret") is None
        assert store.keys.knows("fh_annas_secret")
        assert store.keys.get(key.id).revoked_at == NOW


def test_an_owner_has_the_combined_rights_of_their_active_keys(world: World) -> None:
    with world.database.transaction() as store:
        first = store.keys.add("one", ANNA, [PRODUCTION], "fh_one", NOW)
        store.keys.add("two", ANNA, [STAGING], "fh_two", NOW)
        store.keys.add("another's", Owner(kind="service", name="anna"), [Grant(role=Role.OWNER)], "fh_three", NOW)
        owner_id = store.keys.owner_id(ANNA)

        owner, access = store.keys.owner(owner_id)
        assert owner == ANNA
        assert (access.operates("shop", "production"), access.operates("shop", "staging"), access.is_owner) == (True, True, False)

        store.keys.revoke(first.id, NOW)
        _, access = store.keys.owner(owner_id)
        assert (access.operates("shop", "production"), access.operates("shop", "staging")) == (False, True)


def test_an_owner_named_concurrently_is_inserted_once(world: World) -> None:
    def name() -> str:
        with world.database.transaction() as store:
            return store.keys.owner_id(ANNA)

    assert len(set(at_once(*[name] * 4))) == 1


def test_the_bootstrap_key_is_inserted_once_and_stays_revoked(sqlite: Database) -> None:
    secret = "fh_a_bootstrap_key_of_length"  # noqa: S105 (no real secret)
    for _ in range(2):
        keep_bootstrap_key(sqlite, secret)
    with sqlite.transaction() as store:
        caller = store.keys.caller(secret)
        assert caller
        assert caller.access.is_owner
        store.keys.revoke(caller.key, NOW)

    keep_bootstrap_key(sqlite, secret)
    keep_bootstrap_key(sqlite, "")

    with sqlite.reading() as store:
        assert store.keys.caller(secret) is None
    with pytest.raises(ValueError, match="at least 20 characters"):
        keep_bootstrap_key(sqlite, "short")


def test_rotation_changes_only_the_secret(world: World) -> None:
    with world.database.transaction() as store:
        key = store.keys.add("anna's laptop", ANNA, [PRODUCTION], "fh_the_first", NOW)
        store.keys.rotate(key.id, "fh_the_second", NOW)
        store.keys.rotate(key.id, "fh_the_third", NOW)

        caller = store.keys.caller("fh_the_third")
        assert caller
        assert (caller.key, store.keys.get(key.id)) == (key.id, key)
        assert [store.keys.caller(secret) for secret in ("fh_the_first", "fh_the_second")] == [None, None]
        assert all(map(store.keys.knows, ("fh_the_first", "fh_the_second", "fh_the_third")))


def test_a_revoked_key_cannot_be_rotated(world: World) -> None:
    with world.database.transaction() as store:
        key = store.keys.add("anna's laptop", ANNA, [PRODUCTION], "fh_the_first", NOW)
        store.keys.revoke(key.id, NOW)

        with pytest.raises(KeyRevoked):
            store.keys.rotate(key.id, "fh_the_second", NOW)

        assert not store.keys.knows("fh_the_second")


def test_a_rotated_bootstrap_secret_is_not_restored_by_the_next_start(sqlite: Database) -> None:
    secret = "fh_a_bootstrap_key_of_length"  # noqa: S105 (no real secret)
    keep_bootstrap_key(sqlite, secret)
    with sqlite.transaction() as store:
        caller = store.keys.caller(secret)
        assert caller
        store.keys.rotate(caller.key, "fh_another", NOW)

    keep_bootstrap_key(sqlite, secret)

    with sqlite.reading() as store:
        assert store.keys.caller(secret) is None
        assert store.keys.caller("fh_another")


def test_concurrent_rotations_leave_one_secret(world: World) -> None:
    with world.database.transaction() as store:
        key = store.keys.add("anna's laptop", ANNA, [PRODUCTION], "fh_the_first", NOW)

    def rotate(secret: str) -> Callable[[], None]:
        def go() -> None:
            with world.database.transaction() as store:
                store.keys.rotate(key.id, secret, NOW)

        return go

    at_once(rotate("fh_of_one"), rotate("fh_of_the_other"))

    with world.database.reading() as store:
        assert [store.keys.caller(secret) is None for secret in ("fh_of_one", "fh_of_the_other")].count(False) == 1
        assert store.keys.knows("fh_of_one")
        assert store.keys.knows("fh_of_the_other")
