"""How the record of a release goes on when it is rolled back."""

from datetime import timedelta

import pytest

from domain.errors import Invalid
from domain.pipelines.trigger import WaitFor
from domain.releases.release import NextStage, Release
from domain.releases.rollback import LeftAlone, PreviousEnd, RollbackState, rollback_key, stage_to_return_to
from domain.releases.status import ReleaseStatus
from tests.domain.records import BLOCKED, a_release, a_rollback
from tests.world import NOW

LATER = NOW + timedelta(hours=1)
AGAIN = NextStage(index=1, name="Beta", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=3)))
LEFT = LeftAlone(environment="production", field="value", because="changed_by_hand", before="a", after="b", now="c")


def asked(**more: object) -> Release:
    return a_release(2, acts_at=LATER).rolling_back(a_rollback(**more), "w")


def ended() -> Release:
    completed = a_release(3).ended(ReleaseStatus.COMPLETED, NOW, "c")
    return completed.rolling_back(a_rollback(asked_at=LATER, ended=PreviousEnd(status="completed", at=NOW)), "w")


def test_a_release_that_is_to_be_rolled_back_has_done_so_since_it_was_asked() -> None:
    release = asked()

    assert (release.status, release.acts_at, release.sequence) == (ReleaseStatus.ROLLING_BACK, NOW, 3)
    assert not release.is_finished
    assert release.is_under_way
    assert release.moved_by == release.workflow_id


def test_one_that_had_ended_is_moved_by_a_workflow_of_its_own_and_its_own_has_nothing_more_to_do() -> None:
    release = ended()

    assert (release.status, release.ended_at) == (ReleaseStatus.ROLLING_BACK, None)
    assert not release.is_finished
    assert not release.is_under_way
    assert release.moved_by == f"{release.workflow_id}/rollback/1"


def test_rolled_back_for_good_it_has_ended_and_tells_what_was_left_alone() -> None:
    release = asked()
    assert release.rollback
    done = release.rolled_back(release.rollback.done(LATER, (LEFT,)), LATER, "d")

    assert (done.status, done.ended_at, done.acts_at, done.sequence) == (ReleaseStatus.ROLLED_BACK, LATER, None, release.sequence + 1)
    assert done.rollback
    assert (done.rollback.state, done.rollback.done_at, done.rollback.left_alone) == (RollbackState.DONE, LATER, (LEFT,))
    assert done.rollback.without_left_alone().left_alone == ()
    assert done.moved_by == done.workflow_id


def test_rolled_back_to_a_stage_it_waits_paused_in_the_one_after_it_with_the_whole_wait_left() -> None:
    release = asked(to_stage="Development", undoes_from=1)
    assert release.rollback
    back = release.returned_to(AGAIN, release.rollback.done(LATER, ()), LATER, "d")

    assert (back.status, back.stage, back.visit, back.sequence) == (ReleaseStatus.PAUSED, "Beta", release.visit + 1, release.sequence + 1)
    assert back.paused
    assert (back.paused.since, back.paused.remaining, back.paused.by) == (LATER, timedelta(hours=3), "olivia")
    assert (back.acts_at, back.entered_at) == (None, LATER)
    resumed = back.resumed("o2", LATER, LATER + timedelta(days=1), "r")
    assert resumed.acts_at == LATER + timedelta(days=1, hours=3)


def test_blocked_while_it_is_rolled_back_it_is_rolled_back_once_somebody_has_it_tried_again() -> None:
    blocked = asked().blocked_by(BLOCKED, "b")

    assert blocked.rollback
    assert blocked.rollback.is_asked
    again = blocked.rolling_back(blocked.rollback.asked_again(blocked.rollback.by.model_copy(update={"owner": "erin"}), LATER), "r")
    assert again.rollback
    assert (again.status, again.blocked, again.acts_at, again.rollback.by.owner) == (ReleaseStatus.ROLLING_BACK, None, LATER, "erin")


@pytest.mark.parametrize("way", ["entered", "ended", "hurried", "paused"])
def test_whatever_else_happens_to_it_means_that_the_rollback_is_given_up(way: str) -> None:
    blocked = asked().blocked_by(BLOCKED, "b")
    ways = {
        "entered": lambda: blocked.entered(AGAIN, LATER, "x"),
        "ended": lambda: blocked.ended(ReleaseStatus.REMOVED, LATER, "x"),
        "hurried": lambda: blocked.made_due_now("o2", LATER, "x"),
        "paused": lambda: blocked.paused_at(AGAIN.trigger, LATER, "erin", "x"),
    }

    rollback = ways[way]().rollback

    assert rollback
    assert (rollback.state, rollback.n) == (RollbackState.GIVEN_UP, 1)


def test_a_rollback_that_is_given_up_leaves_a_release_that_had_ended_as_it_was() -> None:
    release = ended()
    assert release.rollback
    assert release.rollback.ended
    restored = release.ended_as_before(release.rollback, release.rollback.ended, "x")

    assert (restored.status, restored.ended_at, restored.acts_at) == (ReleaseStatus.COMPLETED, NOW, None)
    assert restored.rollback
    assert restored.rollback.state is RollbackState.GIVEN_UP
    assert restored.sequence == release.sequence + 1


def test_the_stage_to_return_to_is_one_that_the_release_has_come_through() -> None:
    assert stage_to_return_to(["Development", "Beta"], "beta", "Everyone") == 2
    with pytest.raises(Invalid, match="come through 'Development', 'Beta'") as refused:
        stage_to_return_to(["Development", "Beta"], "Everyone", "Everyone")
    assert refused.value.problems[0].pointer == "/to_stage"
    with pytest.raises(Invalid, match="come through no stage"):
        stage_to_return_to([], "Development", "Development")


def test_a_rollback_says_what_was_asked_and_by_whom() -> None:
    assert a_rollback().in_words() == "rolled back for good as olivia asked"
    assert a_rollback(to_stage="Beta").in_words() == "rolled back to what 'Beta' left as olivia asked"
    assert a_rollback(force=True).in_words() == "rolled back for good, over changes by hand too, as olivia asked"


def test_the_key_of_what_a_rollback_does_in_an_environment_fits_its_column() -> None:
    assert len(rollback_key("r" * 36, 100_000, "e" * 64)) <= 128
