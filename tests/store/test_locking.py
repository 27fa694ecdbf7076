"""A transaction that waited for a lock sees the latest row."""

import threading
from concurrent.futures import ThreadPoolExecutor

from activities.store.database import Database
from domain.access import Grant, Owner, Role
from tests.pipelines import pipeline, stage
from tests.waiting import CEILING
from tests.world import NOW, World, make_world


def test_a_release_is_found_after_waiting_for_a_change_of_its_owner(world: World) -> None:
    """On PostgreSQL, a joined row that no longer matches would hide the release after the wait."""
    world.publish(pipeline(stage("Development")))
    release = world.add()
    with world.database.transaction() as store:
        owner = Owner(kind="person", name="otto")
        store.keys.add("otto's", owner, [Grant(role=Role.OWNER)], "fh_the_secret_of_otto_in_tests_", NOW)
        otto = store.keys.owner_id(owner)

    def look() -> str:
        asking.set()
        with world.database.transaction() as store:
            return store.releases.get(release.id, lock=True).responsible

    asking = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with world.database.transaction() as store:
            store.releases.write(store.releases.get(release.id, lock=True).made_due_now(otto, NOW, "retried/0"))
            waiting = threads.submit(look)
            asking.wait(CEILING)
            threading.Event().wait(0.5)

        assert waiting.result(CEILING) == "otto"


def test_sqlite_writers_of_one_process_queue_without_holding_connections(sqlite: Database) -> None:
    """SQLite's own polling would let some writers overtake others for seconds."""
    world = make_world(sqlite)
    with ThreadPoolExecutor(3) as threads:
        with sqlite.transaction():
            waiting = [threads.submit(world.add_feature, key) for key in ("one", "two", "three")]
            threading.Event().wait(0.2)

            assert sqlite.engine.pool.checkedout() == 1  # type: ignore[attr-defined]

        assert [each.result(CEILING) for each in waiting] == [None] * 3
