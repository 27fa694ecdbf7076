"""Asking for a rollback holds at once, whoever is down."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities.commands.add_release import AddRelease, add_release
from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.messages import Made, Standing
from activities.store.outbox import OutboxKind
from domain.access import Access, Caller, Grant, Owner, Role
from domain.audit import AuditEvent
from domain.errors import (
    AlreadyReleasing,
    ControlNotAllowed,
    FeatureNotFound,
    Invalid,
    NotAllowed,
    Refusal,
    ReleasedSince,
    StageMoved,
)
from domain.releases.control import Expected
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
    end_hold,
    events_of,
    put_back,
    read_standing,
    roll_back,
)
from tests.pipelines import pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World


def anna(*environments: str) -> Caller:
    grants = tuple(Grant(project="shop", role=Role.OPERATOR, environments=(each,)) for each in environments)
    return Caller(key="k", owner=Owner(kind="person", name="anna"), owner_id="a", access=Access(grants=grants))


def remove(world: World, release: Release, caller: Caller | None = None) -> Release:
    with world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        return remove_release(store, caller or world.caller, project, EndOrPauseRelease(release=release.id, reason="never mind"), LATER)


def refused_or(job: Callable[[], Release]) -> Release | Refusal:
    try:
        return job()
    except Refusal as refusal:
        return refusal


def completed(world: World) -> Release:
    world.publish(pipeline(stage("Development"), key="short"))
    release = world.add(pipeline="short")
    act(world, release)
    return world.release(release.id)


def kinds_of_errands(world: World) -> list[OutboxKind]:
    with world.database.transaction() as store:
        return [each.kind for each in store.outbox.lease(NOW, 9)]


def test_what_is_asked_stands_in_the_record_with_an_errand_and_an_audit_entry(world: World) -> None:
    world.publish(THREE)
    release = world.add()
    act(world, release)
    act(world, release)

    asked = roll_back(world, release, reason="it fails", to_stage="development", force=True)

    now = world.release(release.id)
    assert now == asked
    assert (now.status, now.acts_at, now.stage) == (ReleaseStatus.ROLLING_BACK, LATER, "Everyone")
    assert now.rollback
    wanted = (now.rollback.n, now.rollback.by.owner, now.rollback.reason, now.rollback.to_stage, now.rollback.undoes_from)
    assert wanted == (1, "olivia", "it fails", "Development", 1)
    assert (now.rollback.force, now.rollback.ended, now.rollback.state) == (True, None, RollbackState.ASKED)
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.owner, entry.reason) == (AuditEvent.RELEASE_ROLLING_BACK, "olivia", "it fails")
    assert entry.after == {"to_stage": "Development", "force": True}
    assert kinds_of_errands(world) == [OutboxKind.START, OutboxKind.LOOK_AGAIN]


def test_a_release_that_had_ended_takes_the_flag_again_and_has_an_errand_of_its_own(world: World) -> None:
    release = completed(world)

    roll_back(world, release)

    now = world.release(release.id)
    assert (now.status, now.ended_at) == (ReleaseStatus.ROLLING_BACK, None)
    assert now.rollback
    assert now.rollback.ended
    assert (now.rollback.ended.status, now.rollback.ended.at) == ("completed", release.ended_at)
    assert kinds_of_errands(world) == [OutboxKind.START, OutboxKind.ROLL_BACK]
    standing = read_standing(world, release)
    assert (standing.finished, standing.status) == (True, "completed"), "its own workflow has nothing to do with it"
    with pytest.raises(AlreadyReleasing):
        world.add(pipeline="short")


def test_a_stage_and_a_rollback_at_the_same_instant_end_in_one_order_or_the_other(world: World) -> None:
    """A change that was made counts and is undone too; one that came too late is nowhere."""
    world.publish(TWO_STAGES)
    for _ in range(4):
        release = world.add()
        command = command_for(world, release)

        answer, asked = at_once(lambda command=command: change(world, command), lambda release=release: roll_back(world, release))  # type: ignore[misc]

        assert isinstance(answer, Made | Standing)
        assert isinstance(asked, Release)
        made = isinstance(answer, Made)
        assert len(changes_of(world, release)) == made
        if isinstance(answer, Standing):
            assert answer.rollback
        assert put_back(world, release).status == "rolled_back"
        assert len(changes_of(world, release)) == 2 * made
        assert not world.flag("development").enabled


def test_a_rollback_and_a_new_release_at_the_same_instant_take_the_flag_one_at_a_time(world: World) -> None:
    release = completed(world)

    def add_another() -> Release:
        with world.database.transaction() as store:
            project = store.projects.get("shop", lock="share")
            return add_release(store, world.caller, project, AddRelease(pipeline="short", feature="checkout"), LATER)

    for _ in range(4):
        added, asked = at_once(lambda: refused_or(add_another), lambda: refused_or(lambda: roll_back(world, release)))

        won = [isinstance(each, Release) for each in (added, asked)]
        assert sorted(won) == [False, True]
        if isinstance(added, Release):
            assert isinstance(asked, ReleasedSince)
            assert asked.details == {"release": added.id}
            return
        assert isinstance(added, AlreadyReleasing)
        remove(world, release)


@pytest.mark.parametrize("status", ["completed", "removed"])
def test_after_a_newer_release_an_older_one_is_not_rolled_back_any_more(shop: World, status: str) -> None:
    release = completed(shop)
    newer = shop.add(pipeline="short")
    (act(shop, newer) if status == "completed" else remove(shop, newer))

    with pytest.raises(ReleasedSince) as refused:
        roll_back(shop, release)

    assert refused.value.details == {"release": newer.id}
    assert shop.release(release.id) == release
    assert roll_back(shop, newer).status is ReleaseStatus.ROLLING_BACK


@pytest.mark.parametrize("again", [False, True])
def test_a_release_of_a_flag_that_was_deleted_is_not_rolled_back(shop: World, again: bool) -> None:
    release = completed(shop)
    with shop.database.transaction() as store:
        store.features.delete(store.features.get("checkout", shop.project.id).id, NOW)
    if again:
        shop.add_feature("checkout")

    with pytest.raises(FeatureNotFound):
        roll_back(shop, release)


def test_one_that_had_ended_is_rolled_back_as_a_whole_only(shop: World) -> None:
    release = completed(shop)

    with pytest.raises(ControlNotAllowed, match="add the flag again at the stage after 'Development'"):
        roll_back(shop, release, to_stage="Development")


def test_a_release_goes_back_only_to_a_stage_that_it_has_come_through(shop: World) -> None:
    shop.publish(THREE)
    release = shop.add(starting_stage="Beta users")
    act(shop, release)

    for wrong in ("Development", "Everyone", "Watch", "Moon"):
        with pytest.raises(Invalid, match="'Beta users'"):
            roll_back(shop, release, to_stage=wrong)
    assert roll_back(shop, release, to_stage="BETA users").rollback.undoes_from == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("expected", [{"stage": "Development"}, {"visit": 1}])
def test_it_holds_only_where_the_caller_last_saw_the_release(shop: World, expected: dict[str, Any]) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    act(shop, release)

    with pytest.raises(StageMoved):
        roll_back(shop, release, expected=Expected(**expected))

    assert roll_back(shop, release, expected=Expected(stage="Production", visit=2)).status is ReleaseStatus.ROLLING_BACK


def test_a_release_that_is_rolling_back_or_rolled_back_is_not_rolled_back(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    roll_back(shop, release)

    with pytest.raises(ControlNotAllowed, match="Can't roll back a release that is rolling back"):
        roll_back(shop, release)
    put_back(shop, release)
    with pytest.raises(ControlNotAllowed, match="no control is allowed any more"):
        roll_back(shop, release)


def test_the_right_is_needed_where_something_is_put_back_and_where_the_release_would_still_act(shop: World) -> None:
    shop.publish(pipeline(stage("Staging", "staging"), stage("Production", "production", "1h"), stage("Development", wait="1h")))
    release = shop.add()
    act(shop, release)

    for missing in (["staging"], ["staging", "production"], ["production", "development"]):
        with pytest.raises(NotAllowed):
            roll_back(shop, release, anna(*missing))
    with pytest.raises(NotAllowed):
        roll_back(shop, release, anna("production"), to_stage="Staging")
    asked = roll_back(shop, release, anna("production", "development"), to_stage="Staging")
    assert asked.status is ReleaseStatus.ROLLING_BACK, "what staging has stays"


def test_of_one_that_had_ended_the_right_is_needed_where_it_changed_something(shop: World) -> None:
    shop.publish(
        pipeline(stage("Staging", "staging", actions=[{"type": "UPDATE_FEATURE_VALUE", "value": "classic"}]), stage("Development"))
    )
    release = shop.add()
    act(shop, release)
    act(shop, release)

    with pytest.raises(NotAllowed):
        roll_back(shop, release, anna("staging"))
    assert roll_back(shop, release, anna("development")).status is ReleaseStatus.ROLLING_BACK


def test_a_removal_while_it_is_rolling_back_gives_the_rollback_up(world: World) -> None:
    world.publish(TWO_STAGES)
    under_way = world.add()
    act(world, under_way)
    roll_back(world, under_way)

    remove(world, under_way)

    now = world.release(under_way.id)
    assert now.rollback
    assert (now.status, now.rollback.state) == (ReleaseStatus.REMOVED, RollbackState.GIVEN_UP)
    assert put_back(world, under_way, sequence=now.sequence - 1).status == "removed"
    assert world.flag("development").enabled


def test_a_removal_of_one_that_had_ended_leaves_it_as_it_was_and_it_can_be_asked_again(world: World) -> None:
    release = completed(world)
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


def test_who_may_not_roll_it_back_can_not_call_it_off(shop: World) -> None:
    shop.publish(THREE)
    release = shop.add()
    for _ in range(3):
        act(shop, release)
    end_hold(shop, release, NOW + timedelta(days=3))
    roll_back(shop, release)

    with pytest.raises(NotAllowed):
        remove(shop, release, anna("development"))
    assert remove(shop, release, anna("development", "production")).status is ReleaseStatus.COMPLETED


def test_one_that_has_done_nothing_can_be_rolled_back_too(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()

    roll_back(shop, release)

    assert put_back(shop, release).status == "rolled_back"
    assert events_of(shop, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_ROLLING_BACK, AuditEvent.RELEASE_ROLLED_BACK]
