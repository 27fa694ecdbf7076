"""Concurrent transactions lose no update, and each begins in the server's own access mode."""

from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError

from activities.providers.catalogue import provider_of
from activities.store.database import Database
from domain.flags.patch import FlagPatch
from tests.postgresql import DatabaseSwitch
from tests.threads import at_once
from tests.world import World, make_world


def change(world: World, patch: FlagPatch) -> None:
    with world.database.transaction() as store:
        provider_of(world.project, store).patch("checkout", "production", patch, datetime.now(UTC))


def test_concurrent_changes_of_one_flag_lose_nothing(world: World) -> None:
    """Without isolation, one transaction would overwrite the other with the old state. The next round would hide it, so check each."""
    change(world, FlagPatch(enabled=True, value="before"))

    for number in range(20):
        enabled, value = bool(number % 2), f"value {number}"
        at_once(partial(change, world, FlagPatch(enabled=enabled)), partial(change, world, FlagPatch(value=value)))

        state = world.flag("production")
        assert (state.enabled, state.value) == (enabled, value), f"lost in round {number}"


def test_concurrent_first_changes_of_a_flag_lose_nothing(world: World) -> None:
    at_once(partial(change, world, FlagPatch(enabled=True)), partial(change, world, FlagPatch(value="new")))

    state = world.flag("production")
    assert (state.enabled, state.value) == (True, "new")


def test_write_after_a_read_obeys_a_read_only_server(postgresql_url: str) -> None:
    with closing(Database(postgresql_url, pool_size=1)) as database:
        world = make_world(database)
        DatabaseSwitch(postgresql_url).set_read_only(True)

        with database.reading() as store:
            assert store.projects.get("shop").name == "Shop"
        with pytest.raises(OperationalError):
            change(world, FlagPatch(enabled=True))
