"""Steps of a release that change no flag are recorded once."""

from datetime import timedelta

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.messages import Advanced, HeldBack, HoldEnded, Overtaken, Recorded, RemovedByTemporal
from domain.access import Person
from domain.audit import AuditEvent
from domain.pipelines.gate import ApprovalGate
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import (
    ACTED,
    LATER,
    TWO_STAGES,
    act,
    audit_of,
    change,
    command_for,
    end_hold,
    events_of,
    read_standing,
    record,
    runs_of,
    summary,
)
from tests.pipelines import approval, hold, pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World

HOLD_THEN_STAGE = pipeline(hold("Soak", "24h", "staging"), stage("Production", "production"), hold("Watch", "2d"))


def remove(world: World, release: Release) -> None:
    with world.database.transaction() as store:
        remove_release(store, world.caller, world.project, EndOrPauseRelease(release=release.id), NOW)


def test_end_of_a_hold_enters_the_next_stage(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add()

    answer = end_hold(world, release)

    assert summary(answer) == {"at": ACTED, "sequence": 1}
    now = world.release(release.id)
    assert (now.stage, now.visit, now.entered_at, now.acts_at) == ("Production", 2, ACTED, ACTED)
    first, second = runs_of(world, release)
    assert (first.outcome, first.acted_at, second.outcome) == (StageOutcome.HELD, ACTED, StageOutcome.PENDING)
    assert events_of(world, release) == [AuditEvent.RELEASE_ADDED, AuditEvent.STAGE_HOLD_ENDED]


def test_end_of_the_last_hold_completes_the_release(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add(starting_stage="Production")
    act(world, release)
    assert world.release(release.id).status is ReleaseStatus.RUNNING

    end_hold(world, release, LATER)

    now = world.release(release.id)
    assert (now.status, now.ended_at) == (ReleaseStatus.COMPLETED, LATER)
    assert events_of(world, release)[-2:] == [AuditEvent.STAGE_HOLD_ENDED, AuditEvent.RELEASE_COMPLETED]


def test_recording_a_step_twice_equals_recording_it_once(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add()
    step = HoldEnded(entered_at=NOW, acts_at=NOW, next=command_for(world, release).next)

    answers = [record(world, release, step, sequence=0) for _ in range(2)]

    assert [summary(answer) for answer in answers] == [{"at": ACTED, "sequence": 1}] * 2
    assert len(runs_of(world, release)) == 2
    assert events_of(world, release).count(AuditEvent.STAGE_HOLD_ENDED) == 1


def test_step_recorded_simultaneously_is_recorded_once(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add()
    step = HoldEnded(entered_at=NOW, acts_at=NOW, next=command_for(world, release).next)

    answers = at_once(*[lambda: record(world, release, step, sequence=0)] * 3)

    assert [summary(answer) for answer in answers] == [{"at": ACTED, "sequence": 1}] * 3
    assert events_of(world, release).count(AuditEvent.STAGE_HOLD_ENDED) == 1


def test_step_after_removal_writes_nothing_and_returns_the_state_of_the_record(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add()
    remove(world, release)
    before = world.release(release.id)

    answer = record(world, release, HoldEnded(entered_at=NOW, acts_at=NOW), sequence=0)

    assert summary(answer) == {"finished": True, "status": "removed", "sequence": 1, "stage_index": 0, "visit": 1, "entered_at": None}
    assert world.release(release.id) == before
    assert [each.outcome for each in runs_of(world, release)] == [StageOutcome.REMOVED]


def test_step_of_a_workflow_behind_its_record_writes_nothing(world: World) -> None:
    world.publish(HOLD_THEN_STAGE)
    release = world.add()
    end_hold(world, release)
    before = world.release(release.id)

    answer = record(world, release, Overtaken(), LATER, sequence=0)

    assert summary(answer) == {"finished": False, "status": "running", "sequence": 1, "stage_index": 1, "visit": 2, "entered_at": ACTED}
    assert read_standing(world, release) == answer
    assert world.release(release.id) == before


def test_end_of_a_hold_after_a_lost_workflow_task_returns_the_recorded_time(world: World) -> None:
    """The task runs again at a later time, but the first commit counts."""
    world.publish(HOLD_THEN_STAGE)
    release = world.add()
    end_hold(world, release)
    before = world.release(release.id)

    answer = record(world, release, HoldEnded(entered_at=NOW, acts_at=NOW), LATER, sequence=0)

    assert summary(answer) == {"at": ACTED, "sequence": 1}
    assert world.release(release.id) == before


def test_repeated_advance_does_not_return_the_end_of_a_hold_back_as_its_due_time(world: World) -> None:
    world.publish(pipeline(hold("Soak", "24h", "staging") | {"gates": [approval(timeout="2h")]}))
    release = world.add()
    by = Person(key=world.caller.key, owner="olivia", owner_id=world.caller.owner_id)
    record(world, release, Advanced(by=by))
    gate = ApprovalGate(type="APPROVAL", timeout=timedelta(hours=2))
    held = record(world, release, HoldEnded(entered_at=NOW, acts_at=ACTED, gates=(gate,)))

    answer = record(world, release, Advanced(by=by), LATER, sequence=0)

    assert isinstance(held, HeldBack)
    assert isinstance(answer, Recorded)
    assert (answer.sequence, answer.at, answer.acts_at) == (1, LATER, None)


def test_cancellation_in_temporal_removes_the_release(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()

    answers = [record(world, release, RemovedByTemporal(reason="wrong flag"), sequence=0) for _ in range(2)]

    assert [summary(answer) for answer in answers] == [{"at": ACTED, "sequence": 1}] * 2
    now = world.release(release.id)
    assert (now.status, now.ended_at) == (ReleaseStatus.REMOVED, ACTED)
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.kind, entry.on_behalf_of, entry.reason) == (AuditEvent.RELEASE_REMOVED, "temporal", None, "wrong flag")
    assert events_of(world, release).count(AuditEvent.RELEASE_REMOVED) == 1


def test_cancellation_is_recorded_with_any_reason(world: World) -> None:
    """Temporal does not validate the reason, and a write that fails would be retried forever."""
    world.publish(TWO_STAGES)
    release = world.add()

    record(world, release, RemovedByTemporal(reason="no\x00 " + "x" * 1_000))

    reason = audit_of(world, release)[-1].reason
    assert reason == "no " + "x" * 497


def test_record_ahead_of_its_workflow_blocks_the_release(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)

    answer = record(world, release, Overtaken(), LATER)

    assert isinstance(answer, Recorded)
    now = world.release(release.id)
    assert (now.status, now.stage, now.sequence) == (ReleaseStatus.BLOCKED, "Production", 2)
    assert now.blocked
    assert (now.blocked.code, now.blocked.since, answer.blocked) == ("superseded", LATER, now.blocked)
    assert "reset or restored" in now.blocked.message


def test_workflow_reset_after_completion_finds_its_changes_recorded(world: World) -> None:
    world.publish(pipeline(stage("Development"), stage("Staging", "staging", "1h")))
    release = world.add()
    first = command_for(world, release)
    act(world, release)
    second = command_for(world, release)
    act(world, release, LATER)

    assert change(world, first, LATER + timedelta(days=1)) == change(world, first)
    assert change(world, second, LATER + timedelta(days=1)) == change(world, second)
    assert read_standing(world, release).finished
    assert len(events_of(world, release)) == 4
