"""The reasons to hold back a stage that is due."""

from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ApprovalTimedOut
from domain.flags.flag import FlagState
from domain.metrics.condition import Outcome
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.freeze import Freeze, next_opening
from domain.pipelines.gate import ApprovalGate, CheckGate, Gate, MetricGate
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import Stage
from domain.pipelines.window import WindowGate
from domain.releases.approval import Approval, Proposal, matching_approvals
from domain.releases.gatekeeping import GateFacts, held_by
from domain.releases.observed import Observed
from domain.releases.stop import Stop
from tests.domain.flag_strategies import flags
from tests.pipelines import approval, enable, rollout, stage, window
from tests.world import NOW

HOUR = timedelta(hours=1)
OFFICE = WindowGate.model_validate(window("10:00", "16:00"))
APPROVAL = ApprovalGate.model_validate(approval(2, timeout="2h"))
STOP = Stop(id="s", reason="checkout is down", placed_at=NOW, placed_by="olivia", placed_by_id="o")
CHRISTMAS = Freeze(id="f", name="Christmas", reason="holidays", starts_at=NOW, ends_at=NOW + 5 * HOUR, made_by="olivia")
"""NOW is Monday, 09:00 UTC."""


ENOUGH = {"type": "THRESHOLD", "at_most": 0.01}
METRIC = MetricGate.model_validate({"type": "METRIC", "metric": "error-rate", "condition": ENOUGH, "passing_for": "1h"})
EXPERIMENT = ExperimentGate.model_validate({"type": "EXPERIMENT", "metric": "conversion", "variants": ["green"], "longest": "14d"})
CHECK = CheckGate(type="CHECK", source="deploys", path="/ready")
ERRORS = Guardrail.model_validate(
    {"name": "Errors", "metric": "error-rate", "condition": ENOUGH, "stages": ["Everyone"], "on_breach": "rollback", "failures": 3}
)
MINUTE = timedelta(minutes=1)


def seen(outcome: Outcome, at: datetime = NOW, **more: object) -> Observed:
    return Observed.model_validate({"at": at, "since": at, "outcome": outcome, "message": "So it is."} | more)


def approved_by(owner: str, digest: str = "b") -> Approval:
    return Approval(id=owner, visit=1, owner=owner, owner_id=owner, binds=digest, at=NOW)


def facts(*gates: Gate, **more: object) -> GateFacts:
    defaults = GateFacts(stage="Everyone", environment="production", gates=gates, at=NOW, due_at=NOW)
    return defaults._replace(**more)  # type: ignore[arg-type]


HELD: list[tuple[GateFacts, str, str, datetime | None]] = [
    (facts(stops=[STOP]), "stopped", "olivia stopped the project at 2026-03-02 09:00:00 UTC: checkout is down", None),
    (facts(stops=[STOP.model_copy(update={"expires_at": NOW + HOUR})]), "stopped", "checkout is down", NOW + HOUR),
    (
        facts(freezes=[CHRISTMAS]),
        "freeze",
        "'Christmas' freezes production until 2026-03-02 14:00:00 UTC: holidays",
        NOW + 5 * HOUR,
    ),
    (facts(METRIC), "metric", "The metric 'error-rate' has no sample yet.", None),
    (facts(METRIC, observed={"gate:1": seen(Outcome.FAIL)}), "metric", "'Everyone' waits until 'error-rate' passes. So it is.", None),
    (facts(METRIC, observed={"gate:1": seen(Outcome.UNKNOWN)}), "metric", "can't tell. So it is.", None),
    (
        facts(METRIC, observed={"gate:1": seen(Outcome.PASS, NOW - 2 * MINUTE)}),
        "metric",
        "has no sample since 2026-03-02 08:58:00 UTC",
        None,
    ),
    (
        facts(METRIC, observed={"gate:1": seen(Outcome.PASS, since=NOW - MINUTE)}),
        "metric",
        "'error-rate' passes since 2026-03-02 08:59:00 UTC, and 'Everyone' acts once it has passed for 1 h.",
        NOW + HOUR - MINUTE,
    ),
    (facts(EXPERIMENT), "experiment", "has no sample yet.", None),
    (
        facts(EXPERIMENT, observed={"gate:1": seen(Outcome.FAIL)}),
        "experiment",
        "'Everyone' waits for the experiment on green: higher conversion, decided every 7 d from 7 d to 14 d, else control. So it is.",
        None,
    ),
    (facts(EXPERIMENT, observed={"gate:1": seen(Outcome.UNKNOWN)}), "experiment", "So it is.", None),
    (facts(CHECK), "check", "The check of deploys at /ready has no sample yet.", None),
    (
        facts(CHECK, observed={"gate:1": seen(Outcome.FAIL, until=NOW + HOUR)}),
        "check",
        "The check of deploys at /ready does not pass. So it is.",
        NOW + HOUR,
    ),
    (facts(CHECK, observed={"gate:1": seen(Outcome.FAIL, until=NOW - HOUR)}), "check", "does not pass", None),
    (facts(guardrails=(ERRORS,)), "guardrail", "The guardrail 'Errors' has no sample yet.", None),
    (
        facts(guardrails=(ERRORS,), observed={"guardrail:Errors": seen(Outcome.FAIL, failures=2)}),
        "guardrail",
        "The guardrail 'Errors' fails: So it is. 2 of 3 failures in a row. 'Everyone' acts once it passes.",
        None,
    ),
    (facts(guardrails=(ERRORS,), observed={"guardrail:Errors": seen(Outcome.UNKNOWN)}), "guardrail", "can't tell. So it is.", None),
    (
        facts(guardrails=(ERRORS,), observed={"guardrail:Errors": seen(Outcome.PASS, NOW - 2 * MINUTE)}),
        "guardrail",
        "has no sample since",
        None,
    ),
    (facts(APPROVAL, guardrails=(ERRORS,)), "approval", "waits for approval", NOW + 2 * HOUR),
    (facts(OFFICE), "window", "The window of 'Everyone' opens at 2026-03-02 10:00:00 UTC", NOW + HOUR),
    (facts(OFFICE, freezes=[CHRISTMAS]), "freeze", "Christmas", NOW + 5 * HOUR),
    (facts(APPROVAL), "approval", "0 of 2", NOW + 2 * HOUR),
    (facts(APPROVAL, approvals=[approved_by("vera")]), "approval", "1 of 2, by vera", NOW + 2 * HOUR),
    (facts(APPROVAL, OFFICE), "window", "opens at", NOW + HOUR),
]


@pytest.mark.parametrize(("gate_facts", "code", "words", "until"), HELD)
def test_a_stage_is_held_back_by_the_first_reason(gate_facts: GateFacts, code: str, words: str, until: datetime | None) -> None:
    held = held_by(gate_facts)

    assert held
    assert (held.code, held.until) == (code, until)
    assert words in held.message


def test_every_kind_of_gate_can_hold_back_a_stage() -> None:
    kinds = {type(gate) for gate_facts, *_ in HELD for gate in gate_facts.gates}

    assert kinds == set(get_args(get_args(Gate)[0]))


@pytest.mark.parametrize(
    "gate_facts",
    [
        facts(),
        facts(stops=[STOP.model_copy(update={"lifted_at": NOW})]),
        facts(stops=[STOP.model_copy(update={"expires_at": NOW})]),
        facts(freezes=[CHRISTMAS.model_copy(update={"environments": ("staging",)})]),
        facts(OFFICE, at=NOW + HOUR),
        facts(APPROVAL, approvals=[approved_by("vera"), approved_by("victor")]),
        facts(APPROVAL, step=2),
        facts(METRIC, observed={"gate:1": seen(Outcome.PASS, since=NOW - HOUR)}),
        facts(CHECK, observed={"gate:1": seen(Outcome.PASS, NOW + MINUTE)}),
        facts(EXPERIMENT, observed={"gate:1": seen(Outcome.PASS, NOW - HOUR)}),
        facts(guardrails=(ERRORS,), observed={"guardrail:Errors": seen(Outcome.PASS, NOW - MINUTE)}),
        facts(guardrails=(ERRORS.model_copy(update={"shadow": True}), ERRORS.model_copy(update={"on_breach": "notify"}))),
    ],
)
def test_a_stage_without_a_reason_may_act(gate_facts: GateFacts) -> None:
    assert held_by(gate_facts) is None


def test_a_stage_that_is_not_approved_in_time_is_refused() -> None:
    with pytest.raises(ApprovalTimedOut, match=r"was not approved in time: 1 of 2, by vera\. The deadline was 2026-03-02 11:00:00 UTC\."):
        held_by(facts(APPROVAL, at=NOW + 2 * HOUR, approvals=[approved_by("vera")]))


def test_windows_without_a_common_time_never_open() -> None:
    morning, evening = (WindowGate.model_validate(window(*hours)) for hours in (("08:00", "09:00"), ("20:00", "21:00")))

    assert next_opening((morning, evening), "production", NOW, ()).at is None


def test_a_freeze_may_be_longer_than_the_horizon() -> None:
    long_freeze = CHRISTMAS.model_copy(update={"ends_at": NOW + timedelta(days=3 * 365, hours=10)})

    assert next_opening((), "production", NOW, [long_freeze]).at == long_freeze.ends_at
    assert next_opening((OFFICE,), "production", NOW, [long_freeze]).at == NOW.replace(year=2029, day=2, hour=10)


@given(starts=st.integers(-10, 100), lasts=st.integers(1, 300), due=st.integers(0, 400))
def test_the_next_opening_is_in_an_open_window_outside_the_freeze(starts: int, lasts: int, due: int) -> None:
    freeze = CHRISTMAS.model_copy(update={"starts_at": NOW + starts * HOUR, "ends_at": NOW + (starts + lasts) * HOUR})
    at = NOW + due * HOUR

    found = next_opening((OFFICE,), "production", at, [freeze])

    assert found.at
    assert found.at >= at
    assert OFFICE.is_open(found.at)
    assert not freeze.holds("production", found.at)
    if found.at > at:
        assert found.window or found.freeze


def a_stage(*actions: dict[str, object]) -> Stage:
    return Stage.model_validate(stage("Everyone", "production", actions=list(actions)) | {"gates": [approval()]})


@given(flags(), flags())
def test_an_approval_of_a_change_for_everyone_depends_on_the_patched_fields_only(one: FlagState, other: FlagState) -> None:
    everyone = a_stage(enable())

    same = (one.enabled, one.rollout) == (other.enabled, other.rollout)
    assert (Proposal(everyone, {}, 1, one).binds == Proposal(everyone, {}, 1, other).binds) == same


def test_an_approval_is_for_one_visit_and_all_steps_of_a_rollout() -> None:
    flag, growing = FlagState(), a_stage(rollout(value="a"))

    assert Proposal(growing, {}, 1, flag).binds == Proposal(growing, {}, 1, flag).binds
    assert (
        len(
            {
                Proposal(growing, {}, 1, flag).binds,
                Proposal(growing, {}, 2, flag).binds,
                Proposal(a_stage(rollout(value="b")), {}, 1, flag).binds,
            }
        )
        == 3
    )


def test_approvals_count_once_per_owner_and_only_for_their_digest() -> None:
    approvals = [approved_by("vera"), approved_by("vera"), approved_by("victor", "other"), approved_by("wanda")]

    assert [each.owner for each in matching_approvals(approvals, "b")] == ["vera", "wanda"]
