"""Requests for a rollback, which take effect at once even if Temporal is down."""

from collections.abc import Callable

import pytest

from activities.commands.add_release import AddRelease, add_release
from activities.messages import Made, Standing
from activities.store.outbox import OutboxKind
from domain.audit import AuditEvent
from domain.errors import AlreadyReleasing, Refusal, ReleasedSince
from domain.releases.release import Release
from domain.releases.rollback import RollbackState
from domain.releases.status import ReleaseStatus
from tests.activities.acting import (
    LATER,
    THREE,
    TWO_STAGES,
    act,
    audit_of,
    change,
    changes_of,
    command_for,
    put_back,
    read_standing,
    roll_back,
)
from tests.activities.rollbacks import complete_release, remove
from tests.threads import at_once
from tests.world import NOW, World


def outbox_kinds(world: World) -> list[OutboxKind]:
    with world.database.transaction() as store:
        return [each.kind for each in store.outbox.lease(NOW, 9)]


def result_or_refusal(job: Callable[[], Release]) -> Release | Refusal:
    try:
        return job()
    except Refusal as refusal:
        return refusal


def test_request_is_recorded_with_an_outbox_entry_and_an_audit_entry(world: World) -> None:
    world.publish(THREE)
    release = world.add()
    act(world, release)
    act(world, release)

    requested = roll_back(world, release, reason="it fails", to_stage="development", force=True)

    now = world.release(release.id)
    assert now == requested
    assert (now.status, now.acts_at, now.stage) == (ReleaseStatus.ROLLING_BACK, LATER, "Everyone")
    assert now.rollback
    request = (now.rollback.n, now.rollback.by.owner, now.rollback.reason, now.rollback.to_stage, now.rollback.undoes_from)
    assert request == (1, "olivia", "it fails", "Development", 1)
    assert (now.rollback.force, now.rollback.ended, now.rollback.state) == (True, None, RollbackState.ASKED)
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.owner, entry.reason) == (AuditEvent.RELEASE_ROLLING_BACK, "olivia", "it fails")
    assert entry.after == {"to_stage": "Development", "force": True}
    assert outbox_kinds(world) == [OutboxKind.START, OutboxKind.LOOK_AGAIN]


def test_ended_release_occupies_its_flag_again_and_gets_a_workflow_of_its_own(world: World) -> None:
    release = complete_release(world)

    roll_back(world, release)

    now = world.release(release.id)
    assert (now.status, now.ended_at) == (ReleaseStatus.ROLLING_BACK, None)
    assert now.rollback
    assert now.rollback.ended
    assert (now.rollback.ended.status, now.rollback.ended.at) == ("completed", release.ended_at)
    assert outbox_kinds(world) == [OutboxKind.START, OutboxKind.ROLL_BACK]
    standing = read_standing(world, release)
    assert (standing.finished, standing.status) == (True, "completed"), "the release's own workflow takes no part in it"
    with pytest.raises(AlreadyReleasing):
        world.add(pipeline="short")


def test_simultaneous_change_and_rollback_request_are_serialized(world: World) -> None:
    """A change before the request is undone. One after it leaves no trace."""
    world.publish(TWO_STAGES)
    for _ in range(4):
        release = world.add()
        command = command_for(world, release)

        answer, requested = at_once(lambda command=command: change(world, command), lambda release=release: roll_back(world, release))  # type: ignore[misc]

        assert isinstance(answer, Made | Standing)
        assert isinstance(requested, Release)
        made = isinstance(answer, Made)
        assert len(changes_of(world, release)) == made
        if isinstance(answer, Standing):
            assert answer.rollback
        assert put_back(world, release).status == "rolled_back"
        assert len(changes_of(world, release)) == 2 * made
        assert not world.flag("development").enabled


def test_only_one_of_simultaneous_rollback_and_new_release_gets_the_flag(world: World) -> None:
    release = complete_release(world)

    def add_newer() -> Release:
        with world.database.transaction() as store:
            project = store.projects.get("shop", lock="share")
            return add_release(store, world.caller, project, AddRelease(pipeline="short", feature="checkout"), LATER)

    for _ in range(4):
        added, requested = at_once(lambda: result_or_refusal(add_newer), lambda: result_or_refusal(lambda: roll_back(world, release)))

        succeeded = [isinstance(each, Release) for each in (added, requested)]
        assert sorted(succeeded) == [False, True]
        if isinstance(added, Release):
            assert isinstance(requested, ReleasedSince)
            assert requested.details == {"release": added.id}
            return
        assert isinstance(added, AlreadyReleasing)
        remove(world, release)
