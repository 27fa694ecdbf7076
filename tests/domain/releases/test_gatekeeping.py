"""What keeps a stage that is due from acting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ApprovalTimedOut
from domain.flags.flag import FlagState
from domain.pipelines.freeze import Freeze, next_opening
from domain.pipelines.gate import ApprovalGate, Gate
from domain.pipelines.pipeline import Stage
from domain.pipelines.window import WindowGate
from domain.releases.approval import Approval, binds, counted
from domain.releases.gatekeeping import GateFacts, held_by
from domain.releases.stop import Stop
from tests.domain.flag_strategies import flags
from tests.pipelines import approval, enable, rollout, stage, window
from tests.world import NOW

HOUR = timedelta(hours=1)
OFFICE = WindowGate.model_validate(window("10:00", "16:00"))
ASKING = ApprovalGate.model_validate(approval(2, timeout="2h"))
STOP = Stop(id="s", reason="checkout is down", placed_at=NOW, placed_by="olivia", placed_by_id="o")
CHRISTMAS = Freeze(id="f", name="Christmas", reason="nobody is in", starts_at=NOW, ends_at=NOW + 5 * HOUR, made_by="olivia")
"""NOW is Monday, 09:00 UTC."""


def yes(owner: str, binds_to: str = "b") -> Approval:
    return Approval(id=owner, visit=1, owner=owner, owner_id=owner, binds=binds_to, at=NOW)


def facts(*gates: Gate, **more: object) -> GateFacts:
    plain = GateFacts(stage="Everyone", environment="production", gates=gates, at=NOW, due_at=NOW)
    return plain._replace(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "code", "words", "until"),
    [
        (facts(stops=[STOP]), "stopped", "olivia stopped the project at 2026-03-02 09:00:00 UTC: checkout is down", None),
        (facts(stops=[STOP.model_copy(update={"expires_at": NOW + HOUR})]), "stopped", "checkout is down", NOW + HOUR),
        (
            facts(freezes=[CHRISTMAS]),
            "freeze",
            "'Christmas' freezes production until 2026-03-02 14:00:00 UTC: nobody is in",
            NOW + 5 * HOUR,
        ),
        (facts(OFFICE), "window", "The window of 'Everyone' opens at 2026-03-02 10:00:00 UTC", NOW + HOUR),
        (facts(OFFICE, freezes=[CHRISTMAS]), "freeze", "Christmas", NOW + 5 * HOUR),
        (facts(ASKING), "approval", "0 of 2", NOW + 2 * HOUR),
        (facts(ASKING, approvals=[yes("vera")]), "approval", "1 of 2, by vera", NOW + 2 * HOUR),
        (facts(ASKING, OFFICE), "window", "opens at", NOW + HOUR),
    ],
)
def test_a_stage_is_held_by_the_first_thing_that_keeps_it(found: GateFacts, code: str, words: str, until: object) -> None:
    held = held_by(found)

    assert held
    assert (held.code, held.until) == (code, until)
    assert words in held.message


@pytest.mark.parametrize(
    "found",
    [
        facts(),
        facts(stops=[STOP.model_copy(update={"lifted_at": NOW})]),
        facts(stops=[STOP.model_copy(update={"expires_at": NOW})]),
        facts(freezes=[CHRISTMAS.model_copy(update={"environments": ("staging",)})]),
        facts(OFFICE, at=NOW + HOUR),
        facts(ASKING, approvals=[yes("vera"), yes("victor")]),
        facts(ASKING, step=2),
    ],
)
def test_nothing_holds_a_stage_that_may_act(found: GateFacts) -> None:
    assert held_by(found) is None


def test_a_stage_that_nobody_approves_in_time_is_refused() -> None:
    with pytest.raises(ApprovalTimedOut, match="was not approved in time: 1 of 2, by vera"):
        held_by(facts(ASKING, at=NOW + 2 * HOUR, approvals=[yes("vera")]))


def test_windows_that_are_never_open_together_never_open() -> None:
    morning, evening = (WindowGate.model_validate(window(*hours)) for hours in (("08:00", "09:00"), ("20:00", "21:00")))

    assert next_opening((morning, evening), "production", NOW, ()).at is None


def test_a_freeze_of_years_ends_at_its_end_and_the_window_opens_after_it() -> None:
    long = CHRISTMAS.model_copy(update={"ends_at": NOW + timedelta(days=3 * 365, hours=10)})

    assert next_opening((), "production", NOW, [long]).at == long.ends_at
    assert next_opening((OFFICE,), "production", NOW, [long]).at == NOW.replace(year=2029, day=2, hour=10)


@given(starts=st.integers(-10, 100), lasts=st.integers(1, 300), due=st.integers(0, 400))
def test_whatever_acts_by_the_calendar_acts_in_an_open_window_outside_every_freeze(starts: int, lasts: int, due: int) -> None:
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
def test_an_approval_is_for_what_is_there_in_the_patched_fields_and_for_nothing_else(one: FlagState, other: FlagState) -> None:
    everyone = a_stage(enable())

    same = (one.enabled, one.rollout) == (other.enabled, other.rollout)
    assert (binds(everyone, {}, 1, one) == binds(everyone, {}, 1, other)) == same


def test_an_approval_is_for_one_visit_and_for_every_step_of_a_rollout() -> None:
    flag, ramp = FlagState(), a_stage(rollout(value="a"))

    assert binds(ramp, {}, 1, flag) == binds(ramp, {}, 1, flag)
    assert len({binds(ramp, {}, 1, flag), binds(ramp, {}, 2, flag), binds(a_stage(rollout(value="b")), {}, 1, flag)}) == 3


def test_approvals_count_once_for_each_owner_and_only_for_what_they_were_given_for() -> None:
    given_ones = [yes("vera"), yes("vera"), yes("victor", "other"), yes("wanda")]

    assert [each.owner for each in counted(given_ones, "b")] == ["vera", "wanda"]
