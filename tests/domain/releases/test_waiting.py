"""The plan of a release, and the reason why it isn't moving."""

from datetime import timedelta
from typing import Literal

import pytest

from domain.flags.connection import Outage
from domain.pipelines.trigger import WaitFor
from domain.releases.plan import plan_of
from domain.releases.release import Release, StageRun
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.releases.waiting import PATIENCE, is_overdue, waiting_for
from domain.system import LATELY, TemporalStatus, WorkerSeen
from tests.domain.records import BLOCKED, DEFINITION, a_release, a_rollback
from tests.world import NOW

HOUR = timedelta(hours=1)
DEVELOPMENT = StageRun(visit=1, stage_index=0, outcome=StageOutcome.ACTED, entered_at=NOW, acts_at=NOW, acted_at=NOW)
BETA = StageRun(visit=2, stage_index=1, outcome=StageOutcome.PENDING, entered_at=NOW, acts_at=NOW + HOUR)
OUTCOMES = [StageOutcome.ACTED, StageOutcome.PENDING, StageOutcome.PENDING, StageOutcome.PENDING]


def test_the_plan_has_every_stage_with_its_outcome_or_its_time() -> None:
    plan = plan_of(a_release(acts_at=NOW + HOUR), DEFINITION, [DEVELOPMENT, BETA], [], NOW)

    assert [stage.name for stage in plan] == ["Development", "Beta", "Everyone", "Watch"]
    assert [stage.outcome for stage in plan] == OUTCOMES
    assert [stage.acts_at for stage in plan] == [NOW, NOW + HOUR, NOW + 25 * HOUR, NOW + 73 * HOUR]
    assert [stage.acted_at for stage in plan] == [NOW, None, None, None]


def test_stages_before_the_starting_stage_are_not_run() -> None:
    plan = plan_of(a_release(starting_stage=1, visit=1, acts_at=NOW + HOUR), DEFINITION, [BETA.model_copy(update={"visit": 1})], [], NOW)

    assert [stage.outcome for stage in plan] == [StageOutcome.NOT_RUN, *OUTCOMES[1:]]
    assert plan[0].acts_at is None


def test_later_stages_have_no_time_while_the_release_is_blocked() -> None:
    runs = [DEVELOPMENT, BETA.model_copy(update={"outcome": StageOutcome.BLOCKED})]

    plan = plan_of(a_release(status=ReleaseStatus.BLOCKED, blocked=BLOCKED), DEFINITION, runs, [], NOW)

    assert [stage.outcome for stage in plan] == [StageOutcome.ACTED, StageOutcome.BLOCKED, StageOutcome.PENDING, StageOutcome.PENDING]
    assert [stage.acts_at for stage in plan][2:] == [None, None]


def test_no_stage_has_a_time_before_the_workflow_has_started() -> None:
    starting = StageRun(visit=1, stage_index=0, outcome=StageOutcome.PENDING)

    plan = plan_of(a_release(0, status=ReleaseStatus.STARTING), DEFINITION, [starting], [], NOW)

    assert [(stage.outcome, stage.acts_at) for stage in plan] == [(StageOutcome.PENDING, None)] * 4


@pytest.mark.parametrize("outcome", [StageOutcome.ROLLED_BACK, StageOutcome.HELD, StageOutcome.ACTED])
def test_a_stage_that_is_ahead_again_is_pending_whatever_its_earlier_outcome(outcome: StageOutcome) -> None:
    undone = BETA.model_copy(update={"outcome": outcome, "acted_at": NOW})
    restarted = BETA.model_copy(update={"visit": 3, "stage_index": 0})
    runs = [DEVELOPMENT, undone, restarted]

    running = plan_of(a_release(0, visit=3, acts_at=NOW + 2 * HOUR), DEFINITION, runs, [], NOW)
    paused = plan_of(paused_by("olivia").model_copy(update={"stage_index": 0, "visit": 3}), DEFINITION, runs, [], NOW)

    assert running[1].outcome is paused[1].outcome is StageOutcome.PENDING
    assert (running[1].entered_at, running[1].acts_at, running[1].acted_at) == (None, NOW + 3 * HOUR, None)
    assert [stage.acts_at for stage in paused] == [None] * 4


def test_a_rolled_back_stage_has_no_time() -> None:
    undone = BETA.model_copy(update={"outcome": StageOutcome.ROLLED_BACK})

    plan = plan_of(a_release(status=ReleaseStatus.ROLLED_BACK), DEFINITION, [DEVELOPMENT, undone], [], NOW)

    assert [(stage.outcome, stage.acts_at) for stage in plan][1] == (StageOutcome.ROLLED_BACK, None)


def test_after_a_pause_the_stages_act_later() -> None:
    plan = plan_of(a_release(acts_at=NOW + 2 * HOUR), DEFINITION, [DEVELOPMENT, BETA], [], NOW)

    assert [stage.acts_at for stage in plan][1:3] == [NOW + 2 * HOUR, NOW + 26 * HOUR]


def test_a_skipped_stage_has_no_time() -> None:
    skipped = BETA.model_copy(update={"outcome": StageOutcome.SKIPPED, "acted_at": NOW})

    plan = plan_of(a_release(2, visit=3, acts_at=NOW + HOUR), DEFINITION, [DEVELOPMENT, skipped], [], NOW)

    assert (plan[1].acts_at, plan[1].acted_at) == (None, NOW)


def test_a_stage_that_was_rejected_before_it_was_due_has_no_time_until_then() -> None:
    runs = [DEVELOPMENT, BETA.model_copy(update={"outcome": StageOutcome.BLOCKED})]
    blocked = a_release(status=ReleaseStatus.BLOCKED, blocked=BLOCKED)

    assert plan_of(blocked, DEFINITION, runs, [], NOW)[1].acts_at is None
    assert plan_of(blocked, DEFINITION, runs, [], NOW + HOUR)[1].acts_at == NOW + HOUR


def test_later_stages_have_no_time_while_the_release_is_rolling_back() -> None:
    plan = plan_of(rolling_back(), DEFINITION, [DEVELOPMENT, BETA], [], NOW)

    assert [stage.acts_at for stage in plan][2:] == [None, None]


@pytest.mark.parametrize("status", [ReleaseStatus.REMOVED, ReleaseStatus.TERMINATED])
def test_stages_that_a_finished_release_never_reached_are_not_run(status: ReleaseStatus) -> None:
    runs = [DEVELOPMENT, BETA.model_copy(update={"outcome": StageOutcome.REMOVED})]

    plan = plan_of(a_release(status=status, acts_at=None), DEFINITION, runs, [], NOW)

    assert [stage.outcome for stage in plan] == [
        StageOutcome.ACTED,
        StageOutcome.REMOVED,
        StageOutcome.NOT_RUN,
        StageOutcome.NOT_RUN,
    ]
    assert plan[2].acts_at is None


def test_the_plan_shows_the_latest_visit_to_a_stage() -> None:
    again = BETA.model_copy(update={"visit": 5, "entered_at": NOW + HOUR})

    plan = plan_of(a_release(visit=5, acts_at=NOW + HOUR), DEFINITION, [again, DEVELOPMENT, BETA], [], NOW)

    assert plan[1].entered_at == NOW + HOUR


LATE = NOW + PATIENCE


def rolling_back() -> Release:
    return a_release(acts_at=NOW + HOUR).rolling_back(a_rollback(asked_at=LATE), "w")


def paused_by(person: str, reason: str | None = None) -> Release:
    return a_release(acts_at=NOW + HOUR).paused_at(WaitFor(type="WAIT_FOR", duration=HOUR), NOW, person, "w", reason)


WAITING: dict[str, tuple[Release, str, str, bool]] = {
    "just added": (a_release(status=ReleaseStatus.STARTING), "starting", "about to start", False),
    "due": (a_release(acts_at=LATE - timedelta(seconds=1)), "acting", "'Beta' is due", False),
    "not due": (a_release(acts_at=LATE + HOUR), "time", "'Beta' waits until 2026-03-02 10:01:00 UTC", True),
    "overdue": (a_release(acts_at=LATE - PATIENCE), "unavailable", "no worker is running", False),
    "rollback just requested": (rolling_back(), "rolling_back", "about to be rolled back for good, as requested by olivia", False),
    "paused": (paused_by("olivia"), "paused", "Paused by olivia in 'Beta' since", False),
    "paused for a reason": (paused_by("olivia", "an incident"), "paused", "09:00:00 UTC (an incident): 1 h remaining", False),
    "paused in 0.1": (paused_by(""), "paused", "Paused in 'Beta' since", False),
    "blocked": (
        a_release(status=ReleaseStatus.BLOCKED, blocked=BLOCKED),
        "decision",
        "A person must skip, retry, restart, roll back or remove it.",
        False,
    ),
}


@pytest.mark.parametrize(("release", "code", "words", "has_time"), WAITING.values(), ids=WAITING)
def test_a_release_says_why_it_is_not_moving(release: Release, code: str, words: str, has_time: bool) -> None:
    now = NOW if release.status is ReleaseStatus.STARTING else LATE
    reason = waiting_for(release, now)

    assert reason
    assert (reason.code, reason.until is not None) == (code, has_time)
    assert words in reason.message


DOWN = TemporalStatus()
UP = TemporalStatus(reachable=True, version="1.32.0")
GONE = UP.model_copy(update={"workers": (WorkerSeen(identity="1@a", seen_at=LATE - LATELY),)})
STAFFED = UP.model_copy(update={"workers": (WorkerSeen(identity="2@a", seen_at=LATE - LATELY / 2), *GONE.workers)})

OVERDUE: dict[str, tuple[TemporalStatus | None, str, str]] = {
    "Temporal was not queried": (None, "unavailable", "no worker is running, or Temporal"),
    "Temporal is down": (DOWN, "unavailable", "Temporal can't be reached"),
    "no worker was ever seen": (UP, "no_worker", "no worker has polled Temporal recently."),
    "the last worker was seen long ago": (GONE, "no_worker", "no worker has polled Temporal recently."),
    "a worker was seen lately": (STAFFED, "unavailable", "a worker was seen "),
}


@pytest.mark.parametrize(("temporal", "code", "words"), OVERDUE.values(), ids=OVERDUE)
def test_an_overdue_stage_waits_for_a_worker_or_for_an_outage_to_end(temporal: TemporalStatus | None, code: str, words: str) -> None:
    overdue = a_release(acts_at=LATE - PATIENCE)

    reason = waiting_for(overdue, LATE, temporal)

    assert is_overdue(overdue, LATE)
    assert reason
    assert reason.code == code
    assert words in reason.message


def test_temporal_status_does_not_matter_unless_the_release_is_overdue() -> None:
    for release, code, _, _ in WAITING.values():
        now = NOW if release.status is ReleaseStatus.STARTING else LATE
        if code != "unavailable":
            assert not is_overdue(release, now)
            assert waiting_for(release, now, UP) == waiting_for(release, now, DOWN) == waiting_for(release, now)


@pytest.mark.parametrize(
    ("temporal", "words"), [(None, "can't be reached"), (DOWN, "can't be reached"), (UP, "has not accepted the workflow yet")]
)
def test_a_release_that_could_not_be_started_does_not_wait_for_a_worker(temporal: TemporalStatus | None, words: str) -> None:
    starting = a_release(status=ReleaseStatus.STARTING)

    reason = waiting_for(starting, LATE, temporal)

    assert is_overdue(starting, LATE)
    assert reason
    assert reason.code == "unavailable"
    assert words in reason.message


def test_an_overdue_rollback_says_what_may_be_down() -> None:
    reason = waiting_for(rolling_back(), LATE + PATIENCE)

    assert reason
    assert reason.code == "unavailable"
    assert "still to be rolled back for good, as requested by olivia at 2026-03-02 09:01:00 UTC" in reason.message
    assert "no worker is running" in reason.message


def test_a_release_that_could_not_be_started_waits_for_temporal_and_not_for_its_stage() -> None:
    reason = waiting_for(a_release(status=ReleaseStatus.STARTING), LATE)

    assert reason
    assert reason.code == "unavailable"
    assert "could not be started" in reason.message
    assert "due" not in reason.message


@pytest.mark.parametrize("status", ["completed", "removed", "rolled_back", "terminated"])
def test_a_finished_release_waits_for_nothing(status: str) -> None:
    assert waiting_for(a_release(status=ReleaseStatus(status), acts_at=NOW), LATE) is None


@pytest.mark.parametrize("status", ["starting", "running", "paused", "blocked", "rolling_back"])
def test_every_unfinished_release_has_a_reason(status: str) -> None:
    assert waiting_for(a_release(status=ReleaseStatus(status), blocked=BLOCKED, rollback=a_rollback()), LATE)


def test_a_stage_in_which_the_release_was_removed_has_no_time() -> None:
    removed = a_release(status=ReleaseStatus.REMOVED, acts_at=None)

    plan = plan_of(removed, DEFINITION, [DEVELOPMENT, BETA.model_copy(update={"outcome": StageOutcome.REMOVED})], [], NOW)

    assert [stage.acts_at for stage in plan] == [NOW, None, None, None]
    assert [stage.outcome for stage in plan][1:] == [StageOutcome.REMOVED, StageOutcome.NOT_RUN, StageOutcome.NOT_RUN]


def test_the_stages_after_an_overdue_one_are_planned_from_now() -> None:
    late = a_release(acts_at=NOW - 5 * HOUR)

    plan = plan_of(late, DEFINITION, [DEVELOPMENT, BETA.model_copy(update={"acts_at": NOW - 5 * HOUR})], [], NOW)

    assert [stage.acts_at for stage in plan][1:] == [NOW - 5 * HOUR, NOW + 24 * HOUR, NOW + 72 * HOUR]


OUTAGE = Outage(code="provider_unavailable", message="Unleash: The connection failed.", since=NOW)


@pytest.mark.parametrize("code", ["provider_unavailable", "provider_throttled"])
def test_due_stage_waits_for_the_system_in_which_its_flag_is_kept(code: Literal["provider_unavailable", "provider_throttled"]) -> None:
    release = a_release(acts_at=NOW, outage=OUTAGE.model_copy(update={"code": code}))

    reason = waiting_for(release, LATE, UP)

    assert reason
    assert reason.code == code
    assert "since 2026-03-02 09:00:00 UTC. Unleash: The connection failed." in reason.message


def test_rollback_waits_for_that_system_too() -> None:
    reason = waiting_for(rolling_back().model_copy(update={"outage": OUTAGE}), LATE + PATIENCE)

    assert reason
    assert reason.code == "provider_unavailable"
    assert "rolled back for good, as requested by olivia" in reason.message


def test_outage_of_that_system_is_no_reason_before_a_stage_is_due() -> None:
    reason = waiting_for(a_release(acts_at=LATE + HOUR, outage=OUTAGE), LATE)

    assert reason
    assert reason.code == "time"
