"""Changes of stages: each is made once, recorded once, and never lost."""

from datetime import timedelta

from activities.messages import Made, Refused
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import (
    ACTED,
    LATER,
    MADE,
    TWO_STAGES,
    act,
    audit_of,
    change,
    change_by_hand,
    changes_of,
    command_for,
    events_of,
    runs_of,
    summary,
)
from tests.pipelines import enable, pipeline, set_value, stage
from tests.threads import at_once
from tests.world import NOW, World


def test_change_is_written_with_its_history_audit_entry_and_next_stage(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()

    made = act(world, release)

    assert made == MADE
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


def test_second_attempt_returns_the_first_result_even_if_the_flag_was_changed_since(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    first = change(world, command, ACTED)
    change_by_hand(world, value="by hand")

    second = change(world, command, LATER)

    assert first == second == MADE
    assert world.flag("development").value == "by hand"
    assert len(changes_of(world, release)) == 1
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED]
    assert len(runs_of(world, release)) == 2


def test_simultaneous_attempts_make_one_change_and_all_return_it(world: World) -> None:
    """An attempt that outlived its timeout can meet the next one. Neither may take the other for a different writer."""
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)

    answers = at_once(*[lambda: change(world, command)] * 4)

    assert answers == [MADE] * 4
    assert len(changes_of(world, release)) == 1
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED]
    assert world.release(release.id).sequence == 1


def test_change_leaves_other_fields_changed_by_hand_alone(world: World) -> None:
    world.publish(pipeline(stage("Development", actions=[enable()])))
    release = world.add()
    change_by_hand(world, value="by hand", overrides={"staff": {"enabled": True}})

    act(world, release)

    flag = world.flag("development")
    assert (flag.enabled, flag.value, flag.overrides["staff"].enabled) == (True, "by hand", True)


def test_release_continues_if_the_flag_is_already_at_its_target(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, enabled=True, value="one-page")

    act(world, release)

    assert runs_of(world, release)[0].outcome is StageOutcome.UNCHANGED
    assert not changes_of(world, release)[0].changed_anything
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.STAGE_UNCHANGED]
    assert world.release(release.id).stage == "Production"


def test_last_change_completes_the_release(world: World) -> None:
    world.publish(pipeline(stage("Development")))
    release = world.add()
    command = command_for(world, release)

    answers = [change(world, command, ACTED), change(world, command, LATER)]

    assert answers == [Made(made_at=ACTED, sequence=1, text="Changed checkout in development: enable for everyone.")] * 2
    now = world.release(release.id)
    assert (now.status, now.ended_at, now.acts_at, now.stage) == (ReleaseStatus.COMPLETED, ACTED, None, "Development")
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.FLAG_CHANGED, AuditEvent.RELEASE_COMPLETED]


def test_same_key_with_a_different_patch_changes_nothing(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    change(world, command)

    answer = change(world, command.model_copy(update={"patch": FlagPatch(enabled=False)}), LATER)

    assert not isinstance(answer, Made)
    assert world.flag("development").enabled is True
    assert len(changes_of(world, release)) == 1


def test_stage_can_remove_its_own_override_if_other_overrides_came_and_went(world: World) -> None:
    """The release has seen its own override, with the priority that it got."""
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


def test_change_that_can_never_succeed_is_refused_instead_of_retried(world: World) -> None:
    """No priority is left after the last one."""
    world.publish(pipeline(stage("Beta", "production", actions=[enable("beta-users")])))
    release = world.add()
    change_by_hand(world, "production", overrides={"staff": {"enabled": True, "priority": 1_000_000}})

    answer = change(world, command_for(world, release))

    assert isinstance(answer, Refused)
    assert (answer.blocked.code, "priority" in answer.blocked.message) == ("invalid", True)
    assert list(world.flag("production").overrides) == ["staff"]


def test_change_of_a_removed_release_writes_nothing_and_reports_it_finished(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    command = command_for(world, release)
    with world.database.transaction() as store:
        gone = store.releases.get(release.id).ended(ReleaseStatus.REMOVED, NOW, "removed/0")
        store.releases.write(gone)

    answer = change(world, command)

    assert summary(answer) == {"finished": True, "status": "removed", "sequence": 1, "stage_index": 0, "visit": 1, "entered_at": None}
    assert world.flag("development").enabled is False
    assert changes_of(world, release) == []
    assert world.release(release.id) == gone
