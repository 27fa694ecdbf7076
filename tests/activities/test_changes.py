"""A stage's change is made once, recorded once, and never lost."""

from datetime import timedelta

from activities.messages import Made, Refused
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import (
    ACTED,
    LATER,
    TWO_STAGES,
    act,
    audit_of,
    change,
    change_by_hand,
    changes_of,
    command_for,
    events_of,
    runs_of,
    told,
)
from tests.pipelines import enable, pipeline, set_value, stage
from tests.threads import at_once
from tests.world import NOW, World


def test_a_change_is_written_with_its_history_its_audit_entry_and_the_next_stage(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()

    made = act(world, release)

    assert made == Made(made_at=ACTED, sequence=1)
    flag = world.flag("development")
    assert (flag.enabled, flag.value) == (True, "one-page")
    [written] = changes_of(world, release)
    assert (written.key, written.made_at, written.sequence) == (f"{release.id}/1/1", ACTED, 1)
    assert written.before == FlagPatch(enabled=False, value="classic")
    assert written.after == FlagPatch(enabled=True, value="one-page")
    now = world.release(release.id)
    assert (now.status, now.stage, now.environment, now.visit) == (ReleaseStatus.RUNNING, "Production", "production", 2)
    assert (now.entered_at, now.acts_at) == (ACTED, ACTED + timedelta(hours=24))
    first, second = runs_of(world, release)
    assert (first.outcome, first.entered_at, first.acts_at, first.acted_at) == (StageOutcome.ACTED, NOW, NOW, ACTED)
    assert (second.outcome, second.entered_at, second.acted_at) == (StageOutcome.PENDING, ACTED, None)
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.kind, entry.on_behalf_of, entry.stage) == (AuditEvent.FLAG_CHANGED, "release", "olivia", "Development")
    assert (entry.before, entry.after) == ({"enabled": False, "value": "classic"}, {"enabled": True, "value": "one-page"})


def test_a_second_attempt_is_answered_as_the_first_even_if_somebody_changed_the_flag_in_between(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    first = change(world, command, ACTED)
    change_by_hand(world, value="by hand")

    second = change(world, command, LATER)

    assert first == second == Made(made_at=ACTED, sequence=1)
    assert world.flag("development").value == "by hand"
    assert len(changes_of(world, release)) == 1
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED]
    assert len(runs_of(world, release)) == 2


def test_attempts_at_the_same_instant_make_one_change_and_all_hear_that_it_is_made(world: World) -> None:
    """The attempt that outlived its time budget and the one that follows it may meet: neither may call the other an intruder."""
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)

    answers = at_once(*[lambda: change(world, command)] * 4)

    assert answers == [Made(made_at=ACTED, sequence=1)] * 4
    assert len(changes_of(world, release)) == 1
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED]
    assert world.release(release.id).sequence == 1


def test_a_change_leaves_alone_what_people_changed_elsewhere_on_the_flag(world: World) -> None:
    world.publish(pipeline(stage("Development", actions=[enable()])))
    release = world.add()
    change_by_hand(world, value="by hand", overrides={"staff": {"enabled": True}})

    act(world, release)

    flag = world.flag("development")
    assert (flag.enabled, flag.value, flag.overrides["staff"].enabled) == (True, "by hand", True)


def test_a_flag_that_is_at_its_target_already_is_unchanged_and_the_release_goes_on(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, enabled=True, value="one-page")

    act(world, release)

    assert runs_of(world, release)[0].outcome is StageOutcome.UNCHANGED
    assert not changes_of(world, release)[0].changed_anything
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.STAGE_UNCHANGED]
    assert world.release(release.id).stage == "Production"


def test_the_last_change_completes_the_release(world: World) -> None:
    world.publish(pipeline(stage("Development")))
    release = world.add()
    command = command_for(world, release)

    answers = [change(world, command, ACTED), change(world, command, LATER)]

    assert answers == [Made(made_at=ACTED, sequence=1)] * 2
    now = world.release(release.id)
    assert (now.status, now.ended_at, now.acts_at, now.stage) == (ReleaseStatus.COMPLETED, ACTED, None, "Development")
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED, AuditEvent.RELEASE_COMPLETED]


def test_the_same_key_with_another_patch_is_refused_and_changes_nothing(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    change(world, command)

    answer = change(world, command.model_copy(update={"patch": FlagPatch(enabled=False)}), LATER)

    assert not isinstance(answer, Made)
    assert world.flag("development").enabled is True
    assert len(changes_of(world, release)) == 1


def test_a_stage_after_its_own_segment_stage_may_remove_all_overrides_whatever_came_and_went_beside_it(world: World) -> None:
    """What the release made it has seen, with the priority it really got."""
    world.publish(
        pipeline(
            stage("Beta", "production", actions=[enable("beta-users"), set_value("one-page", "beta-users")]),
            stage("Everyone", "production", "1h", actions=[enable() | {"overrides": "remove"}]),
        )
    )
    release = world.add()
    change_by_hand(world, "production", overrides={"staff": {"enabled": True}})
    act(world, release)
    change_by_hand(world, "production", overrides={"staff": None})

    answer = change(world, command_for(world, release), LATER)

    assert isinstance(answer, Made)
    assert world.flag("production").overrides == {}
    assert [each.outcome for each in runs_of(world, release)] == [StageOutcome.ACTED, StageOutcome.ACTED]


def test_a_change_that_can_never_fit_is_refused_rather_than_tried_for_ever(world: World) -> None:
    """No rank is left below the last one."""
    world.publish(pipeline(stage("Beta", "production", actions=[enable("beta-users")])))
    release = world.add()
    change_by_hand(world, "production", overrides={"staff": {"enabled": True, "priority": 1_000_000}})

    answer = change(world, command_for(world, release))

    assert isinstance(answer, Refused)
    assert (answer.blocked.code, "priority" in answer.blocked.message) == ("invalid", True)
    assert list(world.flag("production").overrides) == ["staff"]


def test_a_change_of_a_removed_release_writes_nothing_and_tells_the_workflow_to_end(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    with world.database.transaction() as store:
        gone = store.releases.get(release.id).ended(ReleaseStatus.REMOVED, NOW, "removed/0")
        store.releases.write(gone)

    answer = change(world, command)

    assert told(answer) == {"finished": True, "status": "removed", "sequence": 1, "stage_index": 0, "visit": 1, "entered_at": None}
    assert world.flag("development").enabled is False
    assert changes_of(world, release) == []
    assert world.release(release.id) == gone
