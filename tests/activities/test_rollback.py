"""Rollbacks: each is carried out once, in one transaction."""

from datetime import timedelta

from activities.messages import Standing
from domain.audit import AuditEvent
from domain.releases.rollback import RollbackState
from domain.releases.status import ReleaseStatus
from tests.activities.acting import (
    TWO_STAGES,
    act,
    audit_of,
    change,
    change_by_hand,
    changes_of,
    command_for,
    events_of,
    put_back,
    read_standing,
    roll_back,
    runs_of,
)
from tests.activities.rollbacks import ROLLED_BACK_AT, run_stages
from tests.pipelines import pipeline, set_value, stage
from tests.threads import at_once
from tests.world import World


def test_rollback_restores_every_environment_with_a_change_and_an_audit_entry_each(world: World) -> None:
    before = {each: world.flag(each) for each in ("development", "production")}
    release = run_stages(world)
    roll_back(world, release, reason="it fails")

    standing = put_back(world, release, ROLLED_BACK_AT)

    assert {each: world.flag(each) for each in before} == before
    assert (standing.finished, standing.status) == (True, "rolled_back")
    now = world.release(release.id)
    assert (now.status, now.ended_at, now.sequence) == (ReleaseStatus.ROLLED_BACK, ROLLED_BACK_AT, standing.sequence)
    assert now.rollback
    assert (now.rollback.state, now.rollback.done_at, now.rollback.left_alone) == (RollbackState.DONE, ROLLED_BACK_AT, ())
    made = [change for change in changes_of(world, release) if change.undoes_from is not None]
    assert [(change.key, change.made_at) for change in made] == [
        (f"{release.id}/rollback/1/development", ROLLED_BACK_AT),
        (f"{release.id}/rollback/1/production", ROLLED_BACK_AT),
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


def test_rollback_to_a_stage_pauses_in_the_next_stage_and_can_continue_from_there(world: World) -> None:
    release = run_stages(world)
    roll_back(world, release, to_stage="Development")

    standing = put_back(world, release, ROLLED_BACK_AT)

    now = world.release(release.id)
    assert (now.status, now.stage, now.visit, now.acts_at) == (ReleaseStatus.PAUSED, "Beta users", 5, None)
    assert now.paused
    assert (now.paused.remaining, now.paused.by, now.paused.since) == (timedelta(hours=1), "olivia", ROLLED_BACK_AT)
    assert (standing.finished, standing.paused, standing.rollback) == (False, now.paused, None)
    assert world.flag("development").enabled, "the change of the earlier stage stays"
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


def test_release_without_changes_can_be_rolled_back(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()

    roll_back(shop, release)

    assert put_back(shop, release).status == "rolled_back"
    assert events_of(shop, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_ROLLING_BACK, AuditEvent.RELEASE_ROLLED_BACK]


def test_rolling_back_twice_equals_rolling_back_once(world: World) -> None:
    release = run_stages(world)
    requested = roll_back(world, release)
    first = put_back(world, release, ROLLED_BACK_AT)
    effects = (world.release(release.id), changes_of(world, release), runs_of(world, release), audit_of(world, release))

    again = put_back(world, release, ROLLED_BACK_AT + timedelta(minutes=1), sequence=requested.sequence)

    assert again == first
    assert (world.release(release.id), changes_of(world, release), runs_of(world, release), audit_of(world, release)) == effects


def test_simultaneous_attempts_roll_back_once(world: World) -> None:
    release = run_stages(world)
    requested = roll_back(world, release)

    answers = at_once(*[lambda: put_back(world, release, sequence=requested.sequence)] * 2)

    assert [each.status for each in answers] == ["rolled_back"] * 2
    assert len([change for change in changes_of(world, release) if change.undoes_from is not None]) == 2
    assert events_of(world, release).count(AuditEvent.RELEASE_ROLLED_BACK) == 1


def test_stage_changes_nothing_while_a_rollback_is_pending(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    roll_back(world, release)

    standing = change(world, command)

    assert isinstance(standing, Standing)
    assert standing.rollback
    assert (standing.rollback.is_asked, standing.finished) == (True, False)
    assert changes_of(world, release) == []


def test_flag_values_never_cross_temporal(shop: World) -> None:
    shop.publish(pipeline(stage("Development", actions=[set_value("a secret value")])))
    release = shop.add()
    act(shop, release)
    change_by_hand(shop, value="another secret")
    roll_back(shop, release)

    standing = put_back(shop, release)

    assert "secret" not in standing.model_dump_json()
    assert "secret" not in read_standing(shop, release).model_dump_json()
