"""Removals that give up a pending rollback."""

from datetime import timedelta

import pytest

from domain.audit import AuditEvent
from domain.errors import NotAllowed
from domain.releases.rollback import RollbackState
from domain.releases.status import ReleaseStatus
from tests.activities.acting import THREE, TWO_STAGES, act, audit_of, end_hold, put_back, roll_back
from tests.activities.rollbacks import complete_release, operator_of, remove
from tests.world import NOW, World


def test_removal_gives_up_a_pending_rollback(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)
    roll_back(world, release)

    remove(world, release)

    now = world.release(release.id)
    assert now.rollback
    assert (now.status, now.rollback.state) == (ReleaseStatus.REMOVED, RollbackState.GIVEN_UP)
    assert put_back(world, release, sequence=now.sequence - 1).status == "removed"
    assert world.flag("development").enabled


def test_removal_during_a_rollback_after_the_end_restores_that_end(world: World) -> None:
    release = complete_release(world)
    first = roll_back(world, release)

    remove(world, release)

    now = world.release(release.id)
    assert (now.status, now.ended_at) == (ReleaseStatus.COMPLETED, release.ended_at)
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.owner, entry.reason) == (AuditEvent.RELEASE_NOT_ROLLED_BACK, "olivia", "never mind")
    assert put_back(world, release, sequence=first.sequence).status == "completed"
    assert world.flag("development").enabled
    again = roll_back(world, release)
    assert again.rollback
    assert again.rollback.n == 2
    assert again.moved_by.endswith("/rollback/2")


def test_removal_during_a_rollback_requires_the_right_to_roll_back(shop: World) -> None:
    shop.publish(THREE)
    release = shop.add()
    for _ in range(3):
        act(shop, release)
    end_hold(shop, release, NOW + timedelta(days=3))
    roll_back(shop, release)

    with pytest.raises(NotAllowed):
        remove(shop, release, operator_of("development"))
    assert remove(shop, release, operator_of("development", "production")).status is ReleaseStatus.COMPLETED
