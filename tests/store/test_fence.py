"""Every write to a release is a compare-and-set: a late writer writes nothing."""

from datetime import datetime, timedelta

import pytest

from activities.commands.add_release import AddRelease, add_release
from activities.store.database import Store
from domain.errors import AlreadyReleasing, Superseded
from domain.releases.gate_hold import GateHold
from domain.releases.release import Blocked, Release
from domain.releases.status import FINISHED, ReleaseStatus
from tests.pipelines import pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World

BLOCKED = Blocked(code="not_found", message="It is gone.", since=NOW)
TWO = pipeline(stage("Development"), stage("Production", "production", "24h"))


def added(world: World) -> Release:
    world.publish(TWO)
    return world.add()


def write(world: World, release: Release) -> None:
    with world.database.transaction() as store:
        store.releases.write(release)


def test_a_write_with_the_current_sequence_succeeds(world: World) -> None:
    release = added(world)

    write(world, release.blocked_by(BLOCKED, "w"))

    now = world.release(release.id)
    assert (now.sequence, now.write_key, now.status, now.blocked) == (1, "w", ReleaseStatus.BLOCKED, BLOCKED)


@pytest.mark.parametrize("sequence", [0, 1, 3, 9])
def test_a_writer_who_expects_another_sequence_is_superseded(world: World, sequence: int) -> None:
    release = added(world)
    write(world, release.blocked_by(BLOCKED, "first"))

    with pytest.raises(Superseded):
        write(world, release.blocked_by(BLOCKED, "late").model_copy(update={"sequence": sequence}))

    assert world.release(release.id).write_key == "first"


def test_nothing_is_written_to_a_finished_release(world: World) -> None:
    """For every status, even with the right sequence."""
    world.publish(TWO)
    for number, status in enumerate(sorted(FINISHED)):
        release = world.add()
        write(world, release.ended(status, NOW, f"ended {number}"))
        finished = world.release(release.id)

        with pytest.raises(Superseded):
            write(world, finished.blocked_by(BLOCKED, "late"))

        assert world.release(release.id) == finished


def test_one_of_two_concurrent_writers_is_superseded(world: World) -> None:
    release = added(world)

    def one(key: str) -> str:
        try:
            write(world, release.blocked_by(BLOCKED, key))
        except Superseded:
            return "superseded"
        return key

    for_sure = at_once(lambda: one("a"), lambda: one("b"), lambda: one("c"))

    assert for_sure.count("superseded") == 2
    assert world.release(release.id).write_key in for_sure
    assert world.release(release.id).sequence == 1


def start(world: World, release: Release) -> bool:
    with world.database.transaction() as store:
        return store.releases.write_started(release.started(NOW, NOW))


def test_the_start_is_recorded_once_and_keeps_the_sequence(world: World) -> None:
    release = added(world)

    assert [start(world, release), start(world, release)] == [True, False]

    now = world.release(release.id)
    assert (now.status, now.sequence, now.entered_at, now.acts_at) == (ReleaseStatus.RUNNING, 0, NOW, NOW)


def test_a_late_start_record_does_nothing(world: World) -> None:
    world.publish(TWO)
    for after in (ReleaseStatus.BLOCKED, ReleaseStatus.REMOVED):
        release = world.add()
        gone_on = release.blocked_by(BLOCKED, "w") if after is ReleaseStatus.BLOCKED else release.ended(after, NOW, "w")
        write(world, gone_on)

        assert start(world, release) is False

        assert world.release(release.id).status is after
        if after is ReleaseStatus.BLOCKED:
            write(world, gone_on.ended(ReleaseStatus.REMOVED, NOW, "end"))


def test_one_of_two_concurrent_adds_is_refused_naming_the_other_release(world: World) -> None:
    world.publish(TWO)
    world.publish(TWO | {"key": "other"})

    def add(pipeline_key: str) -> Release | AlreadyReleasing:
        try:
            return world.add(pipeline=pipeline_key)
        except AlreadyReleasing as refused:
            return refused

    answers = at_once(*(lambda key=key: add(key) for key in ("standard", "other", "standard", "other")))

    [first] = [answer for answer in answers if isinstance(answer, Release)]
    refused = [answer for answer in answers if isinstance(answer, AlreadyReleasing)]
    assert [answer.details["release"] for answer in refused] == [first.id] * 3
    with world.database.reading() as store:
        assert [release.id for release in store.releases.unfinished_in(world.project.id)] == [first.id]


def test_the_database_itself_refuses_a_second_unfinished_release(world: World) -> None:
    """A second line of defence behind the check in the command."""
    release = added(world)

    def copy(store: Store) -> None:
        feature = store.features.get("checkout", world.project.id)
        store.releases.add(release.model_copy(update={"id": "second"}), world.project.id, feature.id, {})

    with pytest.raises(AlreadyReleasing), world.database.transaction() as store:
        copy(store)
    write(world, release.ended(ReleaseStatus.REMOVED, NOW, "w"))
    with world.database.transaction() as store:
        copy(store)
    with pytest.raises(AlreadyReleasing), world.database.transaction() as store:
        add_release(store, world.caller, world.project, AddRelease(pipeline="standard", feature="checkout"), NOW)


@pytest.mark.parametrize("until", [None, NOW + timedelta(hours=1)])
def test_recording_the_start_keeps_what_holds_the_stage_back(world: World, until: datetime | None) -> None:
    release = added(world)
    held = GateHold(code="window", message="The window is shut.", until=until)

    with world.database.transaction() as store:
        assert store.releases.write_held(release.held_back_by(held))
        assert store.releases.write_started(release.started(NOW, NOW))

    now = world.release(release.id)
    assert (now.status, now.entered_at, now.held, now.acts_at) == (ReleaseStatus.RUNNING, NOW, held, until)


def test_recording_the_start_of_a_release_sets_its_time(world: World) -> None:
    release = added(world)

    with world.database.transaction() as store:
        assert store.releases.write_started(release.started(NOW, NOW + timedelta(hours=1)))

    assert world.release(release.id).acts_at == NOW + timedelta(hours=1)
