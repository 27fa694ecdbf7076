"""What waits for a lock sees the row as the one before it left it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from activities.store.database import Database
from domain.access import Grant, Owner, Role
from tests.pipelines import pipeline, stage
from tests.world import NOW, World, make_world


def test_a_release_is_found_by_whoever_waited_while_another_became_responsible(world: World) -> None:
    """On PostgreSQL a joined row that no longer fits would make the release vanish for the one who waited."""
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
            asking.wait(10)
            threading.Event().wait(0.5)

        assert waiting.result(20) == "otto"


def test_writes_of_one_process_on_sqlite_wait_in_turn_and_hold_no_connection_meanwhile(sqlite: Database) -> None:
    """SQLite's own waiting lets some come first again and again, and others after seconds."""
    world = make_world(sqlite)
    with ThreadPoolExecutor(3) as threads:
        with sqlite.transaction():
            waiting = [threads.submit(world.add_feature, key) for key in ("one", "two", "three")]
            threading.Event().wait(0.2)

            assert sqlite.engine.pool.checkedout() == 1  # type: ignore[attr-defined]

        assert [each.result(20) for each in waiting] == [None] * 3
