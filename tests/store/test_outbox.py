"""Each outbox entry is handled by one process at a time and never lost."""

from datetime import timedelta
from functools import partial

import pytest

from activities.store.outbox import LEASE, OutboxEntry, OutboxKind
from tests.pipelines import pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World

MOMENT = timedelta(seconds=1)


@pytest.fixture
def entries(world: World) -> World:
    """A world with six entries for one release: its start and five notifications."""
    world.publish(pipeline(stage("Development")))
    release = world.add()
    with world.database.transaction() as store:
        for _ in range(5):
            store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return world


def lease(world: World, most: int = 20, after: timedelta = timedelta(0)) -> list[OutboxEntry]:
    with world.database.transaction() as store:
        return store.outbox.lease(NOW + after, most)


def has_work(world: World, after: timedelta = timedelta(0)) -> bool:
    with world.database.reading() as store:
        return store.outbox.has_work(NOW + after)


def test_entries_are_leased_once_decisions_before_starts_and_older_before_newer(entries: World) -> None:
    first, second = lease(entries, 2), lease(entries, 20)

    assert [entry.kind for entry in first] == [OutboxKind.LOOK_AGAIN] * 2
    assert [entry.kind for entry in second].count(OutboxKind.START) == 1
    decisions = [entry.id for entry in first + second if entry.kind is OutboxKind.LOOK_AGAIN]
    assert decisions == sorted(decisions)
    assert {entry.attempts for entry in first + second} == {1}
    assert lease(entries) == []
    assert not has_work(entries)


def test_concurrent_leases_never_overlap(entries: World) -> None:
    taken = at_once(*[lambda: lease(entries, 2)] * 4)

    ids = [entry.id for some in taken for entry in some]
    rest = [entry.id for entry in lease(entries)]
    assert len(ids + rest) == len({*ids, *rest}) == 6
    assert all(len(some) <= 2 for some in taken)


def test_a_lease_by_a_wrong_clock_is_ignored(entries: World) -> None:
    wrong = timedelta(minutes=3)
    assert len(lease(entries, after=wrong)) == 6

    assert has_work(entries)
    assert len(lease(entries)) == 6
    assert lease(entries, after=MOMENT) == []


def test_an_entry_is_leased_again_after_its_process_died(entries: World) -> None:
    first = lease(entries)

    assert not has_work(entries, LEASE - MOMENT)
    assert lease(entries, after=LEASE - MOMENT) == []
    assert has_work(entries, LEASE + MOMENT)
    again = lease(entries, after=LEASE + MOMENT)

    assert [entry.id for entry in again] == [entry.id for entry in first]
    assert {entry.attempts for entry in again} == {2}


def test_a_postponed_entry_waits_for_its_time(entries: World) -> None:
    first, *_ = lease(entries)
    with entries.database.transaction() as store:
        store.outbox.postpone(first, NOW + timedelta(seconds=5))

    assert lease(entries, after=timedelta(seconds=5)) == []
    assert [entry.id for entry in lease(entries, after=timedelta(seconds=6))] == [first.id]


def test_a_handled_entry_is_deleted(entries: World) -> None:
    first, *others = lease(entries)
    with entries.database.transaction() as store:
        store.outbox.delete(first)
        store.outbox.delete(first)

    assert [entry.id for entry in lease(entries, after=LEASE + MOMENT)] == [entry.id for entry in others]


def test_a_rolled_back_transaction_leaves_no_entry(entries: World) -> None:
    lease(entries)
    with entries.database.reading() as store:
        [release] = store.releases.unfinished_in(entries.project.id)

    def fail() -> None:
        with entries.database.transaction() as store:
            store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()

    assert not has_work(entries)


def take(world: World, holder: str, after: timedelta = timedelta(0)) -> bool:
    with world.database.transaction() as store:
        return store.leases.take("reconciler", holder, NOW + after, timedelta(seconds=30))


def test_a_lease_is_exclusive_until_it_expires(world: World) -> None:
    assert take(world, "a")
    assert not take(world, "b", 29 * MOMENT)
    assert take(world, "a", 20 * MOMENT), "its holder prolongs it"
    assert not take(world, "b", 45 * MOMENT)
    assert take(world, "b", 51 * MOMENT)
    assert not take(world, "a", 52 * MOMENT)


def test_a_named_lease_by_a_wrong_clock_is_ignored(world: World) -> None:
    assert take(world, "a", timedelta(minutes=3))
    assert take(world, "b")
    assert not take(world, "c", MOMENT)


def test_one_of_many_concurrent_acquirers_gets_the_lease(world: World) -> None:
    for after in (timedelta(0), timedelta(minutes=1)):
        takers = [partial(take, world, holder, after) for holder in "abc"]
        assert sorted(at_once(*takers)) == [False, False, True]


def test_leases_with_different_names_are_independent(world: World) -> None:
    assert take(world, "a")
    with world.database.transaction() as store:
        assert store.leases.take("webhooks", "b", NOW, timedelta(seconds=30))
