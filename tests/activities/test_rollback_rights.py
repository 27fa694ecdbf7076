"""Rollbacks act by the rights that the person who requested them has at that time."""

from activities.messages import Recorded
from domain.audit import AuditEvent
from domain.releases.rollback import RollbackState
from domain.releases.status import ReleaseStatus
from tests.activities.acting import audit_of, change_by_hand, end_hold, put_back, retry, roll_back
from tests.activities.rollbacks import add_operator, revoke, run_stages
from tests.world import World


def test_lost_right_blocks_the_rollback_until_somebody_with_the_right_retries(world: World) -> None:
    release = run_stages(world, 2)
    caller = add_operator(world)
    roll_back(world, release, caller)
    revoke(world, caller)

    standing = put_back(world, release)

    assert world.flag("development").enabled, "all or nothing"
    now = world.release(release.id)
    assert now.blocked
    assert (now.status, now.blocked.code) == (ReleaseStatus.BLOCKED, "right_missing")
    assert "erin" in now.blocked.message
    assert standing.rollback
    assert (standing.blocked, standing.rollback.is_asked) == (now.blocked.without_details(), True)

    assert isinstance(retry(world, release), Recorded)
    again = world.release(release.id)
    assert again.rollback
    assert (again.status, again.rollback.by.owner, again.rollback.n) == (ReleaseStatus.ROLLING_BACK, "olivia", 1)
    assert put_back(world, release).status == "rolled_back"
    assert not world.flag("development").enabled


def test_lost_right_gives_up_the_rollback_of_an_ended_release(world: World) -> None:
    release = run_stages(world)
    end_hold(world, release)
    ended = world.release(release.id)
    caller = add_operator(world)
    roll_back(world, release, caller)
    revoke(world, caller)

    standing = put_back(world, release)

    now = world.release(release.id)
    assert (now.status, now.ended_at, standing.status) == (ReleaseStatus.COMPLETED, ended.ended_at, "completed")
    assert now.rollback
    assert now.rollback.state is RollbackState.GIVEN_UP
    entry = audit_of(world, release)[-1]
    assert entry.event is AuditEvent.RELEASE_NOT_ROLLED_BACK
    assert "erin no longer has the right" in (entry.reason or "")
    assert world.flag("production").enabled
    roll_back(world, release)
    assert put_back(world, release).status == "rolled_back"
    assert not world.flag("production").enabled


def test_right_is_checked_only_where_something_is_restored(world: World) -> None:
    release = run_stages(world, 2)
    caller = add_operator(world)
    roll_back(world, release, caller)
    revoke(world, caller)
    change_by_hand(world, enabled=False)
    change_by_hand(world, "production", overrides={"beta-users": None})

    assert put_back(world, release).status == "rolled_back"
