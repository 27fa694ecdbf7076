"""The allowed controls in each state, and the transitions of a release."""

from datetime import timedelta
from itertools import product

import pytest

from domain.errors import ControlNotAllowed, StageMoved
from domain.pipelines.pipeline import environments_ahead
from domain.pipelines.trigger import WaitFor, WaitUntil
from domain.releases.control import ACTING, APPROVAL_CONTROLS, Control, Expected, allowed_controls, check_allowed
from domain.releases.release import NextStage
from domain.releases.status import FINISHED, UNFINISHED, ReleaseStatus
from tests.domain.records import BLOCKED, DEFINITION, a_release
from tests.world import NOW

STATES = [*(status.value for status in ReleaseStatus), ACTING]

ALLOWED = {
    "starting": ["pause", "rollback", "remove"],
    "running": ["pause", "advance", "skip", "restart", "rollback", "remove"],
    "paused": ["resume", "skip", "restart", "rollback", "remove"],
    "blocked": ["skip", "retry", "restart", "rollback", "remove"],
    "rolling_back": ["remove"],
    "completed": ["rollback"],
    "removed": ["rollback"],
    "rolled_back": [],
    "terminated": ["rollback"],
    "acting": ["pause", "advance", "skip", "retry", "restart", "rollback", "remove"],
}
"""The controls of each state, written by hand. While a stage acts, some of them wait for its outcome."""

MAY_DECIDE = {"starting", "running", "paused", "acting"}
"""The states in which a stage that requires approval can be approved or rejected."""


@pytest.mark.parametrize(("control", "state"), list(product(Control, STATES)))
def test_every_control_is_allowed_only_in_the_states_of_the_table(control: Control, state: str) -> None:
    if control.value in ALLOWED[state] or (control in APPROVAL_CONTROLS and state in MAY_DECIDE):
        check_allowed(control, state)
        return
    with pytest.raises(ControlNotAllowed) as rejected:
        check_allowed(control, state)
    assert rejected.value.details == {"status": state, "allowed": ALLOWED[state]}
    assert state.replace("_", " ") in rejected.value.message
    assert all(name in rejected.value.message for name in ALLOWED[state])


def test_the_allowed_controls_are_listed_for_every_state() -> None:
    assert {state: allowed_controls(state) for state in STATES} == ALLOWED


def test_approving_is_listed_only_if_the_stage_requires_approval() -> None:
    assert allowed_controls("running", needs_approval=True) == [
        "pause",
        "advance",
        "skip",
        "restart",
        "approve",
        "reject",
        "rollback",
        "remove",
    ]
    assert allowed_controls("blocked", needs_approval=True) == ALLOWED["blocked"]


def test_rollback_is_not_listed_for_a_finished_release_that_is_not_the_newest() -> None:
    listed = {state: allowed_controls(state, is_newest=False) for state in STATES}

    assert listed == {state: [] if state in FINISHED else controls for state, controls in ALLOWED.items()}


def test_every_status_is_either_finished_or_not() -> None:
    assert {status.value for status in FINISHED} == {"completed", "removed", "rolled_back", "terminated"}
    assert {status.value for status in UNFINISHED} == {"starting", "running", "paused", "blocked", "rolling_back"}
    assert all(a_release(status=status).is_finished == (status in FINISHED) for status in ReleaseStatus)


@pytest.mark.parametrize(
    "expected",
    [{}, {"stage": "Beta"}, {"stage": "bETA"}, {"visit": 2}, {"stage": "Beta", "visit": 2}, {"stage": None, "visit": None}, {"step": 3}],
)
def test_a_control_is_accepted_if_the_release_is_where_the_caller_saw_it(expected: dict[str, object]) -> None:
    Expected.model_validate(expected).check("Beta", 2, 3)


@pytest.mark.parametrize(
    "expected",
    [
        {"stage": "Development"},
        {"stage": ""},
        {"visit": 1},
        {"visit": 0},
        {"stage": "Beta", "visit": 3},
        {"stage": "x", "visit": 2},
        {"step": 2},
        {"visit": 2, "step": 4},
    ],
)
def test_a_control_is_rejected_if_the_release_has_moved(expected: dict[str, object]) -> None:
    with pytest.raises(StageMoved) as rejected:
        Expected.model_validate(expected).check("Beta", 2, 3)

    assert rejected.value.details == {"stage": "Beta", "visit": 2, "step": 3}


@pytest.mark.parametrize(
    ("expected", "is_ahead"),
    [
        ({}, False),
        ({"visit": 3}, True),
        ({"visit": 3, "step": 1}, True),
        ({"step": 4}, True),
        ({"visit": 2, "step": 4}, True),
        ({"visit": 2, "step": 3}, False),
        ({"step": 2}, False),
        ({"visit": 1, "step": 9}, False),
    ],
)
def test_a_later_visit_or_step_is_ahead(expected: dict[str, int], is_ahead: bool) -> None:
    assert Expected.model_validate(expected).is_ahead_of(visit=2, step=3) is is_ahead


def test_every_write_except_the_start_raises_the_sequence_and_sets_its_key() -> None:
    release = a_release(status=ReleaseStatus.STARTING)
    following = NextStage(
        index=2, name="Everyone", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=24))
    )

    started = release.started(NOW, NOW + timedelta(hours=1))
    written = [
        release.entered(following, NOW, "w"),
        release.ended(ReleaseStatus.COMPLETED, NOW, "w"),
        release.blocked_by(BLOCKED, "w"),
        release.made_due_now("o2", NOW, "w"),
    ]

    assert (started.sequence, started.write_key, started.status) == (release.sequence, release.write_key, ReleaseStatus.RUNNING)
    assert [(each.sequence, each.write_key) for each in written] == [(release.sequence + 1, "w")] * 4


def test_entering_a_stage_is_a_new_visit_with_a_new_due_time() -> None:
    following = NextStage(
        index=2, name="Everyone", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=24))
    )

    entered = a_release(blocked=BLOCKED).entered(following, NOW, "w")

    assert (entered.stage_index, entered.stage, entered.environment, entered.visit) == (2, "Everyone", "production", 3)
    assert (entered.entered_at, entered.acts_at, entered.blocked) == (NOW, NOW + timedelta(hours=24), None)


def test_a_blocked_release_has_no_due_time_and_a_retried_one_is_due_at_once() -> None:
    blocked = a_release(acts_at=NOW).blocked_by(BLOCKED, "w")
    retried = blocked.made_due_now("o2", NOW, "w2")

    assert (blocked.status, blocked.acts_at, blocked.blocked) == (ReleaseStatus.BLOCKED, None, BLOCKED)
    assert (retried.status, retried.acts_at, retried.blocked, retried.responsible_id) == (ReleaseStatus.RUNNING, NOW, None, "o2")
    assert retried.visit == blocked.visit
    assert BLOCKED.without_details().details == {}


def test_a_pause_keeps_the_rest_of_a_wait_but_does_not_move_a_fixed_time() -> None:
    hour = timedelta(hours=1)
    fixed = WaitUntil(type="WAIT_UNTIL", at="2026-03-02T10:00:00Z")
    running = a_release(acts_at=NOW + hour)

    waiting = running.paused_at(WaitFor(type="WAIT_FOR", duration=hour), NOW, "olivia", "w").paused
    until = running.paused_at(fixed, NOW, "olivia", "w").paused
    next_step = running.model_copy(update={"step": 2}).paused_at(fixed, NOW, "olivia", "w").paused

    assert waiting
    assert until
    assert next_step
    assert (waiting.remaining, waiting.until) == (hour, None)
    assert (until.remaining, until.until) == (hour, NOW + hour)
    assert (next_step.remaining, next_step.until) == (hour, None)


@pytest.mark.parametrize(("index", "ahead"), [(0, ["development", "production"]), (1, ["production"]), (2, ["production"]), (3, [])])
def test_only_stages_with_actions_need_a_right_on_their_environment(index: int, ahead: list[str]) -> None:
    assert environments_ahead(DEFINITION.stages, index) == ahead


def test_the_workflow_id_has_project_feature_and_id() -> None:
    assert a_release().workflow_id == "release/shop/checkout/r1"
