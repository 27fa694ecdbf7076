"""Winners are decided on at whole periods, and the design says what is shipped at the end without one."""

from typing import Any

import pytest

from tests.domain.experiments.experiments import DAY, GUARDED, TEN, THIRTEEN, decided, design, look


@pytest.mark.parametrize(
    ("days", "outcome", "reason"),
    [
        (1, "undecided", "too_early"),
        (6.9, "undecided", "too_early"),
        (7, "undecided", "too_early"),
        (13.9, "undecided", "too_early"),
        (14, "winner", "significant"),
        (14.2, "winner", "significant"),
        (14.3, "undecided", "too_early"),
        (20.9, "undecided", "too_early"),
        (21.1, "winner", "significant"),
        (28, "winner", "significant"),
        (29.5, "winner", "significant"),
    ],
)
def test_winner_is_decided_on_only_at_whole_periods_from_the_minimum_duration_on(days: float, outcome: str, reason: str) -> None:
    weekly = design(shortest=14 * DAY, decide_every=7 * DAY, tolerance=DAY / 4, longest=28 * DAY)

    decision = decided(look(days, control=TEN, blue=THIRTEEN), of=weekly)

    assert (decision.outcome, decision.reason, decision.is_final) == (outcome, reason, outcome == "winner")


@pytest.mark.parametrize(
    ("fields", "days", "after"),
    [
        ({"shortest": 14 * DAY, "decide_every": 7 * DAY}, 1, "14 d"),
        ({"shortest": 10 * DAY, "decide_every": 7 * DAY}, 1, "14 d"),
        ({"shortest": 7 * DAY, "decide_every": 7 * DAY}, 7.5, "14 d"),
        ({"shortest": 7 * DAY, "decide_every": 7 * DAY, "longest": 10 * DAY}, 8, "10 d"),
        ({"decide_every": 7 * DAY, "longest": 3 * DAY}, 1, "3 d"),
        ({"shortest": 2 * DAY}, 1, "2 d"),
    ],
)
def test_variant_that_is_ahead_says_when_the_next_decision_is_made(fields: dict[str, Any], days: float, after: str) -> None:
    message = decided(look(days, control=TEN, blue=THIRTEEN), of=design(**fields)).message

    assert message.startswith(f"'blue' is ahead, and the next decision is made after {after}. Difference to 'control'")


def test_effect_that_is_zero_over_the_week_is_not_found_on_its_weekdays() -> None:
    weekly = design(shortest=7 * DAY, decide_every=7 * DAY, tolerance=DAY / 4)
    friday = look(5, control=(24_000, 2_400), blue=(24_000, 2_880))
    sunday = look(7, control=(33_600, 3_360), blue=(33_600, 3_360))

    assert [decided(each, of=weekly).outcome for each in (friday, sunday)] == ["undecided", "undecided"]


@pytest.mark.parametrize(
    ("blue", "green", "errors", "objection"),
    [
        ((10_000, 700), TEN, {}, "it is worse than 'control', with 95% confidence"),
        ((10_000, 1_020), TEN, {"blue": (10_000, 300)}, "it breaches the guardrail 'errors', with 95% confidence"),
        ((10_000, 1_020), TEN, {"blue": (90, 1)}, "its guardrail 'errors' can't be judged"),
        ((90, 9), (90, 9), {}, "'blue' has 90 users, and each arm needs 100"),
        ((10_000, 1_020), (90, 9), {}, "'green' has 90 users, and each arm needs 100"),
    ],
)
def test_a_named_variant_is_not_shipped_at_the_end_if_something_speaks_against_it(
    blue: tuple[int, int], green: tuple[int, int], errors: dict[str, tuple[int, int]], objection: str
) -> None:
    fields: dict[str, Any] = GUARDED | {"without_winner": "blue"}
    of = design("blue", "green", **fields, shares=[each[0] for each in (TEN, blue, green)])
    usual = {"control": (10_000, 100), "blue": (10_000, 100), "green": (10_000, 100)}

    decision = decided(look(14, errors=usual | errors, control=TEN, blue=blue, green=green), of=of)

    assert (decision.outcome, decision.reason, decision.ships, decision.is_final) == ("no_winner", "not_safe", None, True)
    assert decision.message.endswith(f" 'blue' isn't shipped: {objection}. A person decides.")


def test_a_named_variant_without_a_lift_is_not_shipped_at_the_end() -> None:
    decision = decided(look(14, control=(1_000, 0), blue=(1_000, 50)), of=design(without_winner="blue"))

    assert (decision.reason, decision.ships, decision.is_final) == ("not_safe", None, True)


@pytest.mark.parametrize("arm", ["blue", "control", None])
def test_without_a_winner_the_design_says_what_is_shipped(arm: str | None) -> None:
    decision = decided(look(14, control=TEN, blue=(10_000, 1_020)), of=design(without_winner=arm))

    assert (decision.outcome, decision.reason, decision.ships, decision.is_final) == ("no_winner", "time_over", arm, True)


def test_the_control_is_shipped_at_the_end_however_few_users_there_are() -> None:
    assert decided(look(14, control=(50, 5), blue=(50, 5)), of=design(without_winner="control")).ships == "control"
