"""What is allowed when, and how the record of a release goes on."""

from datetime import timedelta
from itertools import product

import pytest

from domain.errors import ControlNotAllowed, StageMoved
from domain.pipelines.pipeline import environments_ahead
from domain.pipelines.trigger import WaitFor
from domain.releases.control import ACTING, DECIDING, Control, Expected, allowed_controls, check_allowed
from domain.releases.release import NextStage
from domain.releases.status import FINISHED, UNFINISHED, ReleaseStatus
from tests.domain.records import BLOCKED, DEFINITION, a_release
from tests.world import NOW

STANDINGS = [*(status.value for status in ReleaseStatus), ACTING]

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
"""Written by hand: what a person may do for each way in which a release can stand. While it acts, some wait for the outcome."""

MAY_DECIDE = {"starting", "running", "paused", "acting"}
"""Where a stage that asks people can be approved or rejected."""


@pytest.mark.parametrize(("control", "standing"), list(product(Control, STANDINGS)))
def test_every_control_is_allowed_exactly_where_it_makes_sense(control: Control, standing: str) -> None:
    if control.value in ALLOWED[standing] or (control in DECIDING and standing in MAY_DECIDE):
        check_allowed(control, standing)
        return
    with pytest.raises(ControlNotAllowed) as refused:
        check_allowed(control, standing)
    assert refused.value.details == {"status": standing, "allowed": ALLOWED[standing]}
    assert standing.replace("_", " ") in refused.value.message
    assert all(name in refused.value.message for name in ALLOWED[standing])


def test_what_is_allowed_is_listed_for_every_standing() -> None:
    assert {standing: allowed_controls(standing) for standing in STANDINGS} == ALLOWED


def test_approving_is_listed_only_where_a_stage_asks() -> None:
    assert allowed_controls("running", asks=True) == ["pause", "advance", "skip", "restart", "approve", "reject", "rollback", "remove"]
    assert allowed_controls("blocked", asks=True) == ALLOWED["blocked"]


def test_rolling_back_is_not_listed_for_one_that_has_ended_and_was_followed() -> None:
    listed = {standing: allowed_controls(standing, is_newest=False) for standing in STANDINGS}

    assert listed == {standing: [] if standing in FINISHED else controls for standing, controls in ALLOWED.items()}


def test_every_status_is_either_finished_or_not() -> None:
    assert {status.value for status in FINISHED} == {"completed", "removed", "rolled_back", "terminated"}
    assert {status.value for status in UNFINISHED} == {"starting", "running", "paused", "blocked", "rolling_back"}
    assert all(a_release(status=status).is_finished == (status in FINISHED) for status in ReleaseStatus)


@pytest.mark.parametrize(
    "expected", [{}, {"stage": "Beta"}, {"stage": "bETA"}, {"visit": 2}, {"stage": "Beta", "visit": 2}, {"stage": None, "visit": None}]
)
def test_a_control_holds_where_the_caller_last_saw_the_release(expected: dict[str, object]) -> None:
    Expected.model_validate(expected).check("Beta", 2)


@pytest.mark.parametrize(
    "expected",
    [{"stage": "Development"}, {"stage": ""}, {"visit": 1}, {"visit": 0}, {"stage": "Beta", "visit": 3}, {"stage": "x", "visit": 2}],
)
def test_a_control_is_refused_once_the_release_has_gone_on(expected: dict[str, object]) -> None:
    with pytest.raises(StageMoved) as refused:
        Expected.model_validate(expected).check("Beta", 2)

    assert refused.value.details == {"stage": "Beta", "visit": 2}


def test_every_write_but_the_start_raises_the_sequence_by_one_and_bears_its_key() -> None:
    release = a_release(status=ReleaseStatus.STARTING)
    ahead = NextStage(index=2, name="Everyone", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=24)))

    started = release.started(NOW, NOW + timedelta(hours=1))
    written = [
        release.entered(ahead, NOW, "w"),
        release.ended(ReleaseStatus.COMPLETED, NOW, "w"),
        release.blocked_by(BLOCKED, "w"),
        release.made_due_now("o2", NOW, "w"),
    ]

    assert (started.sequence, started.write_key, started.status) == (release.sequence, release.write_key, ReleaseStatus.RUNNING)
    assert [(each.sequence, each.write_key) for each in written] == [(release.sequence + 1, "w")] * 4


def test_entering_a_stage_is_a_new_visit_with_its_own_time() -> None:
    ahead = NextStage(index=2, name="Everyone", environment="production", trigger=WaitFor(type="WAIT_FOR", duration=timedelta(hours=24)))

    entered = a_release(blocked=BLOCKED).entered(ahead, NOW, "w")

    assert (entered.stage_index, entered.stage, entered.environment, entered.visit) == (2, "Everyone", "production", 3)
    assert (entered.entered_at, entered.acts_at, entered.blocked) == (NOW, NOW + timedelta(hours=24), None)


def test_a_blocked_release_acts_at_no_time_and_a_retried_one_at_once() -> None:
    blocked = a_release(acts_at=NOW).blocked_by(BLOCKED, "w")
    retried = blocked.made_due_now("o2", NOW, "w2")

    assert (blocked.status, blocked.acts_at, blocked.blocked) == (ReleaseStatus.BLOCKED, None, BLOCKED)
    assert (retried.status, retried.acts_at, retried.blocked, retried.responsible_id) == (ReleaseStatus.RUNNING, NOW, None, "o2")
    assert retried.visit == blocked.visit
    assert BLOCKED.without_details().details == {}


@pytest.mark.parametrize(("index", "ahead"), [(0, ["development", "production"]), (1, ["production"]), (2, ["production"]), (3, [])])
def test_only_stages_that_act_still_touch_their_environment(index: int, ahead: list[str]) -> None:
    assert environments_ahead(DEFINITION.stages, index) == ahead


def test_a_release_is_found_in_temporal_by_project_feature_and_id() -> None:
    assert a_release().workflow_id == "release/shop/checkout/r1"
