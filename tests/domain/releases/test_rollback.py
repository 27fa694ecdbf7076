"""The transitions of a release that is rolled back."""

from datetime import timedelta

import pytest

from domain.errors import Invalid
from domain.pipelines.trigger import WaitFor
from domain.releases.release import NextStage, Release
from domain.releases.rollback import LeftAlone, PreviousEnd, RollbackState, first_undone_stage, rollback_key
from domain.releases.status import ReleaseStatus
from tests.domain.records import BLOCKED, a_release, a_rollback
from tests.world import NOW

LATER = NOW + timedelta(hours=1)
BETA = NextStage(index=1, name="Beta", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=3)))
LEFT = LeftAlone(environment="production", field="value", because="changed_by_hand", before="a", after="b", now="c")


def requested(**more: object) -> Release:
    return a_release(2, acts_at=LATER).rolling_back(a_rollback(**more), "w")


def requested_after_end() -> Release:
    completed = a_release(3).ended(ReleaseStatus.COMPLETED, NOW, "c")
    return completed.rolling_back(a_rollback(asked_at=LATER, ended=PreviousEnd(status="completed", at=NOW)), "w")


def test_a_rollback_is_due_from_the_time_of_its_request() -> None:
    release = requested()

    assert (release.status, release.acts_at, release.sequence) == (ReleaseStatus.ROLLING_BACK, NOW, 3)
    assert not release.is_finished
    assert release.is_under_way
    assert release.moved_by == release.workflow_id


def test_a_finished_release_is_rolled_back_by_a_separate_workflow() -> None:
    release = requested_after_end()

    assert (release.status, release.ended_at) == (ReleaseStatus.ROLLING_BACK, None)
    assert not release.is_finished
    assert not release.is_under_way
    assert release.moved_by == f"{release.workflow_id}/rollback/1"


def test_a_complete_rollback_ends_the_release_and_lists_what_was_left_alone() -> None:
    release = requested()
    assert release.rollback
    done = release.rolled_back(release.rollback.done(LATER, (LEFT,)), LATER, "d")

    assert (done.status, done.ended_at, done.acts_at, done.sequence) == (ReleaseStatus.ROLLED_BACK, LATER, None, release.sequence + 1)
    assert done.rollback
    assert (done.rollback.state, done.rollback.done_at, done.rollback.left_alone) == (RollbackState.DONE, LATER, (LEFT,))
    assert done.rollback.without_left_alone().left_alone == ()
    assert done.moved_by == done.workflow_id


def test_after_a_rollback_to_a_stage_the_release_is_paused_in_the_next_one_with_its_whole_wait() -> None:
    release = requested(to_stage="Development", undoes_from=1)
    assert release.rollback
    back = release.returned_to(BETA, release.rollback.done(LATER, ()), LATER, "d")

    assert (back.status, back.stage, back.visit, back.sequence) == (ReleaseStatus.PAUSED, "Beta", release.visit + 1, release.sequence + 1)
    assert back.paused
    assert (back.paused.since, back.paused.remaining, back.paused.by) == (LATER, timedelta(hours=3), "olivia")
    assert (back.acts_at, back.entered_at) == (None, LATER)
    resumed = back.resumed("o2", LATER, LATER + timedelta(days=1), "r")
    assert resumed.acts_at == LATER + timedelta(days=1, hours=3)


def test_a_retry_resumes_a_rollback_that_was_blocked() -> None:
    blocked = requested().blocked_by(BLOCKED, "b")

    assert blocked.rollback
    assert blocked.rollback.is_asked
    again = blocked.rolling_back(blocked.rollback.asked_again(blocked.rollback.by.model_copy(update={"owner": "erin"}), LATER), "r")
    assert again.rollback
    assert (again.status, again.blocked, again.acts_at, again.rollback.by.owner) == (ReleaseStatus.ROLLING_BACK, None, LATER, "erin")


@pytest.mark.parametrize("transition", ["entered", "ended", "made due", "paused"])
def test_any_other_transition_gives_up_a_pending_rollback(transition: str) -> None:
    blocked = requested().blocked_by(BLOCKED, "b")
    transitions = {
        "entered": lambda: blocked.entered(BETA, LATER, "x"),
        "ended": lambda: blocked.ended(ReleaseStatus.REMOVED, LATER, "x"),
        "made due": lambda: blocked.made_due_now("o2", LATER, "x"),
        "paused": lambda: blocked.paused_at(BETA.trigger, LATER, "erin", "x"),
    }

    rollback = transitions[transition]().rollback

    assert rollback
    assert (rollback.state, rollback.n) == (RollbackState.GIVEN_UP, 1)


def test_giving_up_the_rollback_of_a_finished_release_restores_its_end() -> None:
    release = requested_after_end()
    assert release.rollback
    assert release.rollback.ended
    restored = release.ended_as_before(release.rollback, release.rollback.ended, "x")

    assert (restored.status, restored.ended_at, restored.acts_at) == (ReleaseStatus.COMPLETED, NOW, None)
    assert restored.rollback
    assert restored.rollback.state is RollbackState.GIVEN_UP
    assert restored.sequence == release.sequence + 1


def test_a_release_can_be_rolled_back_only_to_a_stage_that_it_has_passed() -> None:
    assert first_undone_stage(["Development", "Beta"], "beta", "Everyone") == 2
    with pytest.raises(Invalid, match="it has passed 'Development', 'Beta'") as rejected:
        first_undone_stage(["Development", "Beta"], "Everyone", "Everyone")
    assert rejected.value.problems[0].pointer == "/to_stage"
    with pytest.raises(Invalid, match="it has passed no stage"):
        first_undone_stage([], "Development", "Development")


def test_a_rollback_describes_its_scope_and_requester() -> None:
    assert a_rollback().in_words() == "rolled back for good, as requested by olivia"
    assert a_rollback(to_stage="Beta").in_words() == "rolled back to the state after 'Beta', as requested by olivia"
    assert a_rollback(force=True).in_words() == "rolled back for good, overwriting changes by hand, as requested by olivia"


def test_a_rollback_key_fits_its_column() -> None:
    assert len(rollback_key("r" * 36, 100_000, "e" * 64)) <= 128
