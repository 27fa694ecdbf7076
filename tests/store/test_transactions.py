"""The one way to write keeps what two people write at once."""

import threading
from datetime import UTC, datetime

from activities.providers.catalogue import provider_of
from domain.patch import FlagPatch
from tests.world import World


def test_two_people_who_change_one_flag_at_once_lose_nothing(world: World) -> None:
    """Without isolation one of the two patches reads the old state and writes it back over the other's."""
    barrier = threading.Barrier(2)
    failures: list[BaseException] = []

    def change(patch: FlagPatch) -> None:
        try:
            for _ in range(20):
                barrier.wait()
                with world.database.transaction() as store:
                    provider_of(world.project, store).patch("checkout", "production", patch, datetime.now(UTC))
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()

    for enabled, value in ((True, "a"), (False, "b"), (True, "c")):
        threads = [
            threading.Thread(target=change, args=[FlagPatch(enabled=enabled)]),
            threading.Thread(target=change, args=[FlagPatch(value=value)]),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not failures
        state = world.flag("production")
        assert (state.enabled, state.value) == (enabled, value)
