"""Taking over watches: a worker that shows no sign of life loses them to another one, which gives them back."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from activities.guarding.sampling import Sampler
from activities.store.watchers import Visit
from activities.temporal_clock import TemporalClock
from activities.watch import WatchActivities
from domain.releases.release import Release
from tests.activities.guarding import BAD, GOOD, errors, later, observed, release_in_force
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import CEILING, wait_until
from tests.world import World
from workflows.service.watch_keeper import SILENT_LOOKS, WatchKeeper, watch_of


class Process:
    """The watches of one worker, without Temporal. It lives for as long as its keeper looks."""

    def __init__(self, world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor) -> None:
        self.world = world
        self.watches = WatchActivities(world.database, Sampler(metrics), threads)
        self.watches.clock = TemporalClock(datetime.now(UTC))
        self.keeper = WatchKeeper(world.database, self.watches)

    def adopt(self, release: Release) -> None:
        """Watch a release here, as if its worker had died."""
        with self.world.database.transaction() as store:
            store.watchers.open([visit_of(release)], self.watches.watcher)
            command = watch_of(release, store.pipelines.version(release.pipeline.id))
        assert command
        self.watches.adopt(command)

    def watched(self) -> set[Visit]:
        """Return what the record says that it watches."""
        with self.world.database.reading() as store:
            return store.watchers.visits_of(self.watches.watcher)


def visit_of(release: Release) -> Visit:
    return Visit(release.id, release.visit)


@pytest.fixture
def metrics() -> ScriptedMetrics:
    metrics = ScriptedMetrics()
    metrics.values["error-rate"] = GOOD
    return metrics


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_watches_of_a_silent_worker_are_taken_over_and_a_breach_is_still_undone(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor
) -> None:
    release = release_in_force(world, errors(every="1s", failures=1))

    async def scenario() -> None:
        dying, other = Process(world, metrics, threads), Process(world, metrics, threads)
        dying.adopt(release)
        await look_until_silent(other)
        assert other.watched() == {visit_of(release)}
        dying.watches.release(visit_of(release))

        metrics.values["error-rate"] = BAD
        await wait_until("the rollback", lambda: world.release(release.id).status == "rolled_back")
        await wait_until("the end of the watch", lambda: not other.watches.detached)
        assert not other.watched()

    asyncio.run(scenario())
    assert not world.flag("production").overrides


def test_visit_that_nobody_watches_is_watched_within_seconds_and_a_breach_is_undone(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor
) -> None:
    release = release_in_force(world, errors(every="1s", failures=1))
    metrics.values["error-rate"] = BAD

    async def scenario() -> None:
        only = Process(world, metrics, threads)
        await look_until_silent(only)
        await wait_until("the rollback", lambda: world.release(release.id).status == "rolled_back")
        await wait_until("the end of the watch", lambda: not only.watches.detached)

    asyncio.run(scenario())
    assert not world.flag("production").overrides


def test_worker_takes_nothing_over_until_it_has_heard_temporals_clock(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor
) -> None:
    release = release_in_force(world, errors(every="1s"))

    async def scenario() -> None:
        fresh = Process(world, metrics, threads)
        fresh.watches.clock = None
        await look_until_silent(fresh)
        assert not fresh.watched()

        fresh.watches.clock = TemporalClock(at := later(3600))
        await look_until_silent(fresh)
        await wait_until("a sample", lambda: observed(world, release))

        sampled = [each.at for each in observed(world, release).values()]
        assert all(at <= each < at + timedelta(seconds=CEILING) for each in sampled), "this worker's own clock says another time"
        fresh.watches.release(visit_of(release))

    asyncio.run(scenario())


def test_worker_that_watches_a_visit_ends_the_wait_for_one(world: World) -> None:
    release = release_in_force(world, errors())
    visit = visit_of(release)
    with world.database.transaction() as store:
        assert set(store.watchers.beats()) == {release.id}
        store.watchers.expect(following := Visit(release.id, visit.number + 1))
        store.watchers.open([visit], "worker")
        assert set(store.watchers.beats()) == {release.id, "worker"}, "another visit still waits"
        store.watchers.open([following], "worker")

    with world.database.transaction() as store:
        store.watchers.expect(visit)  # The relay may say so late.
        assert set(store.watchers.beats()) == {"worker"}
        assert store.watchers.visits_of("worker") == {visit, following}


def test_worker_that_shows_signs_of_life_keeps_its_watches(world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor) -> None:
    release = release_in_force(world, errors(every="1s"))

    async def scenario() -> None:
        living, other = Process(world, metrics, threads), Process(world, metrics, threads)
        living.adopt(release)
        for _ in range(3 * SILENT_LOOKS):
            await other.keeper.look()
            await living.keeper.look()
        assert living.watched() == {visit_of(release)}
        assert not other.watched()
        living.watches.release(visit_of(release))

    asyncio.run(scenario())


def test_only_one_of_two_workers_takes_over(world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor) -> None:
    release = release_in_force(world, errors(every="1s"))

    async def scenario() -> None:
        dying, *others = (Process(world, metrics, threads) for _ in range(3))
        dying.adopt(release)
        dying.watches.release(visit_of(release))
        for _ in range(SILENT_LOOKS + 2):
            await asyncio.gather(*(each.keeper.look() for each in others))
        assert sorted(len(each.watched()) for each in others) == [0, 1]
        assert sorted(len(each.watches.detached) for each in others) == [0, 1]
        for each in others:
            each.watches.release(visit_of(release))

    asyncio.run(scenario())


def test_sign_of_life_at_the_last_moment_prevents_a_takeover(world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor) -> None:
    release = release_in_force(world, errors(every="1s"))
    with world.database.transaction() as store:
        store.watchers.open([visit_of(release)], "first")
        seen = store.watchers.beats()["first"]
    with world.database.transaction() as store:
        store.watchers.beat("first")

    with world.database.transaction() as store:
        assert store.watchers.take_over("first", seen, "second") == []
        assert store.watchers.take_over("first", seen + 1, "second") == [visit_of(release)]


def test_worker_that_was_frozen_leaves_a_taken_watch_to_the_other(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor
) -> None:
    release = release_in_force(world, errors(every="1s"))

    async def scenario() -> None:
        frozen, other = Process(world, metrics, threads), Process(world, metrics, threads)
        frozen.adopt(release)
        await look_until_silent(other)

        await frozen.keeper.look()

        assert not frozen.watches.detached
        assert other.watches.detached == other.watched() == {visit_of(release)}
        other.watches.release(visit_of(release))

    asyncio.run(scenario())


def test_attempt_of_a_worker_that_was_frozen_claims_its_watch_again(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor
) -> None:
    release = release_in_force(world, errors(every="1s"))

    async def scenario() -> None:
        frozen, other = Process(world, metrics, threads), Process(world, metrics, threads)
        frozen.adopt(release)
        frozen.watches.release(visit_of(release))
        frozen.watches._attempts.add(visit_of(release))
        await look_until_silent(other)

        await frozen.keeper.look()
        await other.keeper.look()

        assert frozen.watched() == {visit_of(release)}
        assert not other.watches.detached

    asyncio.run(scenario())


def test_watch_of_a_stage_that_the_release_has_left_is_closed(world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor) -> None:
    release = release_in_force(world, errors(every="1s"))
    with world.database.transaction() as store:
        store.watchers.open([Visit(release.id, release.visit - 1)], "dead")

    async def scenario() -> None:
        other = Process(world, metrics, threads)
        await look_until_silent(other)
        assert other.watched() == other.watches.detached == {visit_of(release)}
        other.watches.release(visit_of(release))

    asyncio.run(scenario())


def test_watch_that_could_not_be_read_when_it_was_taken_over_is_continued_later(
    world: World, metrics: ScriptedMetrics, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = release_in_force(world, errors(every="1s"))

    def failing(_visit: Visit) -> None:
        raise OperationalError("SELECT", {}, Exception("The database is down."))

    async def scenario() -> None:
        dying, other = Process(world, metrics, threads), Process(world, metrics, threads)
        dying.adopt(release)
        dying.watches.release(visit_of(release))
        with monkeypatch.context() as broken:
            broken.setattr(other.keeper, "_command", failing)
            with pytest.raises(OperationalError):
                await look_until_silent(other)
        assert not other.watches.detached

        await other.keeper.look()

        assert other.watches.detached == {visit_of(release)}
        other.watches.release(visit_of(release))

    asyncio.run(scenario())


async def look_until_silent(process: Process) -> None:
    for _ in range(SILENT_LOOKS + 1):
        await process.keeper.look()
