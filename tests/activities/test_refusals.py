"""Refused changes: each blocks the release once, and changes nothing."""

import pytest
from sqlalchemy import text

from activities.messages import Made, Refused, Standing
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import (
    ACTED,
    LATER,
    TWO_STAGES,
    audit_of,
    change,
    change_by_hand,
    changes_of,
    command_for,
    events_of,
    retry,
    runs_of,
    summary,
)
from tests.pipelines import enable, pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World


def delete(world: World, table: str, key: str) -> None:
    """Delete a thing that the API would not delete while it is in use."""
    with world.database.transaction() as store:
        store.connection.execute(text(f"UPDATE {table} SET deleted_at = :now WHERE key = :key"), {"now": NOW, "key": key})


def revoke_every_key(world: World) -> None:
    with world.database.transaction() as store:
        store.keys.revoke(world.key_id, NOW)


@pytest.mark.parametrize(
    ("table", "key", "code", "named"),
    [
        ("segments", "beta-users", "segment_not_found", "beta-users"),
        ("environments", "production", "environment_not_found", "production"),
        ("features", "checkout", "feature_not_found", "checkout"),
    ],
)
def test_deleted_reference_blocks_the_release_once(world: World, table: str, key: str, code: str, named: str) -> None:
    world.publish(pipeline(stage("Beta", "production", actions=[enable("beta-users"), enable()])))
    release = world.add()
    delete(world, table, key)
    command = command_for(world, release)

    answers = [change(world, command, ACTED), change(world, command, LATER)]

    assert answers[0] == answers[1]
    assert isinstance(answers[0], Refused)
    assert (answers[0].blocked.code, answers[0].blocked.since, answers[0].sequence) == (code, ACTED, 1)
    assert f"'{named}'" in answers[0].blocked.message
    now = world.release(release.id)
    assert (now.status, now.sequence, now.acts_at, now.blocked) == (ReleaseStatus.BLOCKED, 1, None, answers[0].blocked)
    assert [each.outcome for each in runs_of(world, release)] == [StageOutcome.BLOCKED]
    assert changes_of(world, release) == []
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED]


def test_simultaneous_attempts_are_refused_alike_and_recorded_once(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, value="by hand")
    command = command_for(world, release)

    answers = at_once(*[lambda: change(world, command)] * 4)

    assert answers == [answers[0]] * 4
    assert isinstance(answers[0], Refused)
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.RELEASE_BLOCKED]


def test_lost_right_blocks_until_somebody_with_the_right_retries(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    revoke_every_key(world)

    refused = change(world, command_for(world, release))

    assert isinstance(refused, Refused)
    assert (refused.blocked.code, "olivia" in refused.blocked.message) == ("right_missing", True)
    assert world.flag("development").enabled is False

    with world.database.transaction() as store:
        store.keys.add("olivia's next", world.caller.owner, world.caller.access.grants, "fh_the_next_secret_of_olivia", NOW)
    retry(world, release)
    assert isinstance(change(world, command_for(world, release), LATER), Made)


def test_new_key_of_the_same_owner_keeps_the_release_running(world: World) -> None:
    """Rights belong to the owner, not to the key."""
    world.publish(TWO_STAGES)
    release = world.add()
    with world.database.transaction() as store:
        store.keys.add("olivia's next", world.caller.owner, world.caller.access.grants, "fh_the_next_secret_of_olivia", NOW)
    revoke_every_key(world)

    assert isinstance(change(world, command_for(world, release)), Made)


def test_field_changed_by_hand_blocks_and_shows_both_states(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, value="by hand", overrides={"staff": {"enabled": True}})
    command = command_for(world, release)

    answers = [change(world, command, ACTED), change(world, command, LATER)]

    assert answers[0] == answers[1]
    assert isinstance(answers[0], Refused)
    assert answers[0].blocked.details == {}, "flag values never enter Temporal"
    blocked = world.release(release.id).blocked
    assert blocked
    assert (blocked.code, blocked.since) == ("flag_changed_by_hand", ACTED)
    assert blocked.details == {
        "fields": ["value"],
        "seen": {"enabled": False, "value": "classic"},
        "now": {"enabled": False, "value": "by hand"},
        "wanted": {"enabled": True, "value": "one-page"},
    }
    assert world.flag("development").enabled is False, "all or nothing"
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.reason, entry.on_behalf_of) == (AuditEvent.RELEASE_BLOCKED, blocked.message, "olivia")
    assert events_of(world, release).count(AuditEvent.RELEASE_BLOCKED) == 1


def test_late_attempt_at_a_blocked_stage_writes_nothing(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, value="by hand")
    late = command_for(world, release)
    change(world, late)
    change_by_hand(world, value="classic")
    retry(world, release)
    before = world.release(release.id)

    answer = change(world, late, LATER)

    assert isinstance(answer, Standing)
    assert (answer.finished, answer.status, answer.sequence) == (False, "running", before.sequence)
    assert world.release(release.id) == before
    assert world.flag("development").enabled is False


def test_superseded_change_writes_nothing(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    late = command_for(world, release)
    change(world, late)

    stale_key = late.model_copy(update={"visit": 9})
    answer = change(world, stale_key, LATER)

    assert summary(answer) == {"finished": False, "status": "running", "sequence": 1, "stage_index": 1, "visit": 2, "entered_at": ACTED}
    assert len(changes_of(world, release)) == 1


def test_patch_refused_by_the_provider_blocks_the_release(world: World) -> None:
    world.publish(pipeline(stage("Development")))
    release = world.add()
    command = command_for(world, release, patch=FlagPatch(enabled=True, value=7))

    answer = change(world, command)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "value_type_wrong"
    assert world.flag("development").enabled is False, "all or nothing"


def test_refused_first_stage_is_entered_even_if_its_start_was_not_recorded(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    change_by_hand(shop, value="by hand")

    change(shop, command_for(shop, release))

    assert shop.release(release.id).status == "blocked"
    assert shop.release(release.id).entered_at == NOW
    assert runs_of(shop, release)[0].entered_at == NOW
