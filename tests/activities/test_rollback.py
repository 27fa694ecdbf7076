"""A rollback is carried out once, as one transaction, by the rights that the one who asked has then."""

from datetime import timedelta

from activities.messages import Recorded, Standing
from domain.access import Caller, Grant, Owner, Role
from domain.audit import AuditEvent
from domain.flags.patch import OverridePatch
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
    change_by_hand,
    changes_of,
    command_for,
    end_hold,
    events_of,
    put_back,
    read_standing,
    retry,
    roll_back,
    runs_of,
)
from tests.pipelines import enable, pipeline, set_value, stage
from tests.threads import at_once
from tests.world import World

BACK_AT = LATER + timedelta(minutes=1)


def climbed(world: World, steps: int = 3) -> Release:
    world.publish(THREE)
    release = world.add()
    for _ in range(steps):
        act(world, release)
    return world.release(release.id)


def erin(world: World) -> Caller:
    """An operator everywhere, whose right can be taken away."""
    owner, grants = Owner(kind="person", name="erin"), (Grant(project="shop", role=Role.OPERATOR, environments=("*",)),)
    with world.database.transaction() as store:
        store.keys.add("erin's", owner, grants, "fh_the_secret_of_erin_in_tests", LATER)
        found = store.keys.caller("fh_the_secret_of_erin_in_tests")
    assert found
    return found


def revoke(world: World, caller: Caller) -> None:
    with world.database.transaction() as store:
        store.keys.revoke(caller.key, LATER)


def test_everything_is_put_back_in_every_environment_with_a_change_and_an_audit_entry_each(world: World) -> None:
    before = {each: world.flag(each) for each in ("development", "production")}
    release = climbed(world)
    roll_back(world, release, reason="it fails")

    standing = put_back(world, release, BACK_AT)

    assert {each: world.flag(each) for each in before} == before
    assert (standing.finished, standing.status) == (True, "rolled_back")
    now = world.release(release.id)
    assert (now.status, now.ended_at, now.sequence) == (ReleaseStatus.ROLLED_BACK, BACK_AT, standing.sequence)
    assert now.rollback
    assert (now.rollback.state, now.rollback.done_at, now.rollback.left_alone) == (RollbackState.DONE, BACK_AT, ())
    made = [change for change in changes_of(world, release) if change.undoes_from is not None]
    assert [(change.key, change.made_at) for change in made] == [
        (f"{release.id}/rollback/1/development", BACK_AT),
        (f"{release.id}/rollback/1/production", BACK_AT),
    ]
    assert made[1].after.model_dump(mode="json") == {"enabled": False, "overrides": {"beta-users": None}}
    assert [run.outcome for run in runs_of(world, release)] == ["rolled_back"] * 4
    entries = audit_of(world, release)[-3:]
    assert [entry.event for entry in entries] == [AuditEvent.FLAG_CHANGED, AuditEvent.FLAG_CHANGED, AuditEvent.RELEASE_ROLLED_BACK]
    assert [(entry.environment, entry.stage) for entry in entries[:2]] == [("development", None), ("production", None)]
    assert {(entry.actor.kind, entry.on_behalf_of, entry.reason) for entry in entries} == {("release", "olivia", "it fails")}
    assert entries[0].before == {"enabled": True}
    assert entries[0].after == {"enabled": False}
    assert entries[-1].after == {"to_stage": None, "force": False, "left_alone": []}


def test_what_somebody_changed_since_is_left_alone_and_told_in_the_record_and_in_the_audit_log(world: World) -> None:
    world.publish(pipeline(stage("Development", actions=[enable(), set_value("new")])))
    release = world.add()
    act(world, release)
    change_by_hand(world, value="by hand")
    roll_back(world, release)

    put_back(world, release, BACK_AT)

    flag = world.flag("development")
    assert (flag.enabled, flag.value) == (False, "by hand")
    rollback = world.release(release.id).rollback
    assert rollback
    left = [each.model_dump() for each in rollback.left_alone]
    expected = {"field": "value", "because": "changed_by_hand", "before": "classic", "after": "new", "now": "by hand"}
    assert left == [{"environment": "development", **expected}]
    entry = audit_of(world, release)[-1]
    assert entry.after
    assert entry.after["left_alone"] == left


def test_forced_it_is_put_back_too(world: World) -> None:
    before = world.flag("development")
    world.publish(pipeline(stage("Development", actions=[enable(), set_value("new")])))
    release = world.add()
    act(world, release)
    change_by_hand(world, value="by hand")
    roll_back(world, release, force=True)

    put_back(world, release)

    assert world.flag("development") == before


def test_where_nothing_is_to_be_put_back_there_is_no_change(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)
    change_by_hand(world, enabled=False, value="classic")
    roll_back(world, release)

    assert put_back(world, release).status == "rolled_back"

    assert [change.undoes_from for change in changes_of(world, release)] == [None]


def test_back_to_a_stage_it_waits_paused_on_a_new_visit_of_the_next_and_climbs_again_when_it_is_resumed(world: World) -> None:
    release = climbed(world)
    roll_back(world, release, to_stage="Development")

    standing = put_back(world, release, BACK_AT)

    now = world.release(release.id)
    assert (now.status, now.stage, now.visit, now.acts_at) == (ReleaseStatus.PAUSED, "Beta users", 5, None)
    assert now.paused
    assert (now.paused.remaining, now.paused.by, now.paused.since) == (timedelta(hours=1), "olivia", BACK_AT)
    assert (standing.finished, standing.paused, standing.rollback) == (False, now.paused, None)
    assert world.flag("development").enabled, "what the stage before did stays"
    assert not world.flag("production").enabled
    assert world.flag("production").overrides == {}
    assert [run.outcome for run in runs_of(world, release)] == ["acted", "rolled_back", "rolled_back", "rolled_back", "pending"]

    act(world, release)
    act(world, release)
    roll_back(world, release)
    put_back(world, release)

    assert not world.flag("production").enabled
    assert not world.flag("development").enabled
    assert [change.key.split("/", 1)[1] for change in changes_of(world, release) if change.undoes_from is not None] == [
        "rollback/1/production",
        "rollback/2/development",
        "rollback/2/production",
    ]


def test_after_a_rollback_to_a_stage_what_was_left_alone_blocks_the_stage_that_would_run_over_it(world: World) -> None:
    release = climbed(world, 2)
    change_by_hand(world, "production", overrides={"beta-users": OverridePatch(enabled=False)})
    roll_back(world, release, to_stage="Development")

    put_back(world, release)

    rollback = world.release(release.id).rollback
    assert rollback
    assert [each.field for each in rollback.left_alone] == ["overrides/beta-users"]
    assert world.flag("production").overrides["beta-users"].enabled is False


def test_doing_it_twice_is_the_same_as_doing_it_once(world: World) -> None:
    release = climbed(world)
    asked = roll_back(world, release)
    first = put_back(world, release, BACK_AT)
    effects = (world.release(release.id), changes_of(world, release), runs_of(world, release), audit_of(world, release))

    again = put_back(world, release, BACK_AT + timedelta(minutes=1), sequence=asked.sequence)

    assert again == first
    assert (world.release(release.id), changes_of(world, release), runs_of(world, release), audit_of(world, release)) == effects


def test_two_attempts_at_the_same_instant_put_back_once(world: World) -> None:
    release = climbed(world)
    asked = roll_back(world, release)

    answers = at_once(*[lambda: put_back(world, release, sequence=asked.sequence)] * 2)

    assert [each.status for each in answers] == ["rolled_back"] * 2
    assert len([change for change in changes_of(world, release) if change.undoes_from is not None]) == 2
    assert events_of(world, release).count(AuditEvent.RELEASE_ROLLED_BACK) == 1


def test_a_right_that_was_taken_away_blocks_a_release_under_way_and_somebody_else_has_it_tried_again(world: World) -> None:
    release = climbed(world, 2)
    caller = erin(world)
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


def test_a_right_that_was_taken_away_leaves_a_release_that_had_ended_as_it_was_and_says_why(world: World) -> None:
    release = climbed(world)
    end_hold(world, release)
    ended = world.release(release.id)
    caller = erin(world)
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


def test_a_right_is_looked_at_only_where_something_is_put_back(world: World) -> None:
    release = climbed(world, 2)
    caller = erin(world)
    roll_back(world, release, caller)
    revoke(world, caller)
    change_by_hand(world, enabled=False)
    change_by_hand(world, "production", overrides={"beta-users": None})

    assert put_back(world, release).status == "rolled_back"


def test_where_an_environment_was_deleted_its_fields_are_left_alone_and_the_others_put_back(shop: World) -> None:
    release = climbed(shop)
    end_hold(shop, release)
    with shop.database.transaction() as store:
        store.environments.delete(store.environments.get("development", shop.project.id).id, LATER)
    roll_back(shop, release)

    assert put_back(shop, release).status == "rolled_back"

    rollback = shop.release(release.id).rollback
    assert rollback
    assert [(each.environment, each.field, each.because) for each in rollback.left_alone] == [
        ("development", "enabled", "environment_gone")
    ]
    assert not shop.flag("production").enabled


def test_what_flags_hold_never_crosses_temporal(shop: World) -> None:
    shop.publish(pipeline(stage("Development", actions=[set_value("a secret value")])))
    release = shop.add()
    act(shop, release)
    change_by_hand(shop, value="another secret")
    roll_back(shop, release)

    standing = put_back(shop, release)

    assert "secret" not in standing.model_dump_json()
    assert "secret" not in read_standing(shop, release).model_dump_json()


def test_a_stage_that_acts_while_its_release_is_to_be_rolled_back_changes_nothing(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    roll_back(world, release)

    standing = change(world, command)

    assert isinstance(standing, Standing)
    assert standing.rollback
    assert (standing.rollback.is_asked, standing.finished) == (True, False)
    assert changes_of(world, release) == []
