"""Concurrent transactions lose no update."""

from datetime import UTC, datetime
from functools import partial

from activities.providers.catalogue import provider_of
from domain.flags.patch import FlagPatch
from tests.threads import at_once
from tests.world import World


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
