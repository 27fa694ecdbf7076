"""An experiment ends with a winner, or without one when its time is over. Everything else leaves it open."""

from typing import Any

import pytest

from domain.experiments.analysis import Analysis, analyse
from domain.experiments.decision import Decision
from domain.experiments.look import Look
from domain.statistics.confidence_sequence import Arm
from tests.domain.experiments.experiments import DAY, GUARDED, design, look, look_at

TEN = (10_000, 1_000)
THIRTEEN = (10_000, 1_300)
FOURTEEN = (10_000, 1_400)


def decided(*looks: Look, of: Any = None) -> Decision:
    return analyse(of or design(), looks).decision


@pytest.mark.parametrize(
    ("better", "blue", "days", "outcome", "reason"),
    [
        ("higher", THIRTEEN, 1, "winner", "significant"),
        ("higher", THIRTEEN, 20, "winner", "significant"),
        ("higher", (10_000, 1_050), 1, "undecided", "not_significant"),
        ("higher", (10_000, 1_050), 14, "no_winner", "time_over"),
        ("higher", (10_000, 700), 1, "undecided", "all_worse"),
        ("lower", THIRTEEN, 1, "undecided", "all_worse"),
        ("lower", (10_000, 700), 1, "winner", "significant"),
        ("lower", THIRTEEN, 14, "no_winner", "time_over"),
    ],
)
def test_a_variant_wins_once_it_is_surely_better(better: str, blue: tuple[int, int], days: float, outcome: str, reason: str) -> None:
    decision = decided(look(days, control=TEN, blue=blue), of=design(better=better))

    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.winner == ("blue" if outcome == "winner" else None)


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


def test_the_numbers_of_a_winner_are_in_the_sentence() -> None:
    assert decided(look(control=TEN, blue=THIRTEEN)).message == (
        "'blue' wins over 'control'. "
        "Difference to 'control', with 95% confidence at all looks together: 'blue' +30.00% (between +14.48% and +48.25%)."
    )


def test_an_end_without_a_winner_says_how_far_it_came() -> None:
    assert decided(look(14, control=TEN, blue=(10_000, 1_020))).message == (
        "The maximum duration of 14 d is over without a winner. No variant is better with 95% confidence. "
        "Difference to 'control', with 95% confidence at all looks together: 'blue' +2.00% (between -10.34% and +16.07%)."
    )


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


def test_a_comparison_says_which_direction_has_the_confidence() -> None:
    result = analyse(design("blue", "green"), [look(control=TEN, blue=THIRTEEN, green=(10_000, 700))])

    assert [(each.variant, each.is_better, each.is_worse) for each in result.comparisons] == [("blue", True, False), ("green", False, True)]


def test_more_variants_need_more_proof() -> None:
    close = {"control": TEN, "blue": (10_000, 1_152), "green": TEN, "red": TEN}
    alone = {key: close[key] for key in ("control", "blue")}

    assert decided(look_at(alone)).outcome == "winner"
    assert decided(look_at(close), of=design("blue", "green", "red")).outcome == "undecided"


def test_a_higher_confidence_needs_more_proof() -> None:
    close = look(control=TEN, blue=(10_000, 1_152))

    assert decided(close, of=design(confidence=0.999)).outcome == "undecided"


def test_the_best_of_several_winners_wins() -> None:
    decision = decided(look(control=TEN, blue=THIRTEEN, green=FOURTEEN), of=design("blue", "green"))

    assert decision.winner == "green"


def test_of_equal_winners_the_first_in_the_design_wins() -> None:
    decision = decided(look(control=TEN, green=THIRTEEN, blue=THIRTEEN), of=design("blue", "green"))

    assert decision.winner == "blue"


def test_a_winner_that_breaches_a_guardrail_is_passed_over() -> None:
    errors = {"control": (10_000, 100), "blue": (10_000, 100), "green": (10_000, 300)}

    decision = decided(look(errors=errors, control=TEN, blue=THIRTEEN, green=FOURTEEN), of=design("blue", "green", **GUARDED))

    assert decision.winner == "blue"
    assert decision.message.endswith("'green' (+40.00%) is passed over: with 95% confidence, it breaches the guardrail 'errors'.")


@pytest.mark.parametrize(("days", "outcome", "reason"), [(1, "undecided", "breaches_guardrail"), (14, "no_winner", "time_over")])
def test_nobody_wins_if_every_winner_breaches_a_guardrail(days: float, outcome: str, reason: str) -> None:
    errors = {"control": (10_000, 100), "blue": (10_000, 300)}

    decision = decided(look(days, errors=errors, control=TEN, blue=THIRTEEN), of=design(**GUARDED))

    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert "'blue' (+30.00%) is passed over" in decision.message


HARMLESS: dict[str, Any] = {"guardrails": [{"metric": "errors", "better": "lower", "margin": 0.1, "proof": "no_harm"}]}


@pytest.mark.parametrize(
    ("errors", "outcome", "reason"),
    [
        ((100_000, 13_000), "undecided", "breaches_guardrail"),
        ((100_000, 11_200), "undecided", "not_proven_harmless"),
        ((100_000, 10_700), "undecided", "not_proven_harmless"),
        ((100_000, 10_300), "winner", "significant"),
        ((100_000, 9_000), "winner", "significant"),
    ],
)
def test_guardrail_may_need_a_proof_that_there_is_no_harm(errors: tuple[int, int], outcome: str, reason: str) -> None:
    seen = {"control": (100_000, 10_000), "blue": errors}
    goal = look(errors=seen, control=(100_000, 10_000), blue=(100_000, 13_000))

    strict, usual = decided(goal, of=design(**HARMLESS)), decided(goal, of=design(**GUARDED))

    assert (strict.outcome, strict.reason) == (outcome, reason)
    assert (usual.outcome == "winner") == (reason != "breaches_guardrail")


def test_harm_is_ruled_out_for_a_metric_that_should_be_high_too() -> None:
    of = design(guardrails=[{"metric": "errors", "better": "higher", "margin": 0.1, "proof": "no_harm"}])
    outcomes = [
        decided(look(errors={"control": (100_000, 10_000), "blue": blue}, control=TEN, blue=THIRTEEN), of=of).reason
        for blue in ((100_000, 12_000), (100_000, 9_700), (100_000, 9_300), (100_000, 8_000))
    ]

    assert outcomes == ["significant", "significant", "not_proven_harmless", "breaches_guardrail"]


def test_sentence_of_a_winner_says_what_is_known_about_its_guardrails() -> None:
    seen = {"control": (10_000, 100), "blue": (10_000, 105)}

    message = decided(look(errors=seen, control=TEN, blue=THIRTEEN), of=design(**GUARDED)).message

    assert "Guardrail 'errors' of 'blue': +5.00% (between -" in message
    assert message.endswith("), harm is neither proven nor ruled out.")


def test_variant_that_may_do_harm_leaves_the_place_to_one_that_does_none() -> None:
    errors = {"control": (100_000, 10_000), "blue": (100_000, 10_000), "green": (100_000, 10_700)}
    goal = look(errors=errors, control=(100_000, 10_000), blue=(100_000, 12_000), green=(100_000, 13_000))

    decision = decided(goal, of=design("blue", "green", **HARMLESS))

    assert decision.winner == "blue"
    assert "'green' (+30.00%) is better, but may do harm to 'errors'." in decision.message


def test_variant_that_may_do_harm_is_not_shipped_at_the_end() -> None:
    errors = {"control": (10_000, 1_000), "blue": (10_000, 1_050)}
    of = design(without_winner="blue", **HARMLESS)

    decision = decided(look(14, errors=errors, control=TEN, blue=(10_000, 1_020)), of=of)

    assert (decision.reason, decision.ships) == ("not_safe", None)
    assert decision.message.endswith("'blue' isn't shipped: it isn't proven that it does no harm to 'errors'. A person decides.")


@pytest.mark.parametrize(
    "errors",
    [
        None,
        {"control": (10_000, 100)},
        {"control": (10_000, 100), "blue": (90, 1)},
        {"control": (10_000, 0), "blue": (10_000, 5)},
    ],
)
def test_a_winner_whose_guardrail_can_t_be_judged_is_held(errors: dict[str, tuple[int, int]] | None) -> None:
    decision = decided(look(20, errors=errors, control=TEN, blue=THIRTEEN), of=design(**GUARDED))

    assert (decision.outcome, decision.reason, decision.winner) == ("held", "guardrail_without_data", None)


def test_a_harm_within_the_margin_of_a_guardrail_is_accepted() -> None:
    errors = {"control": (10_000, 5_000), "blue": (10_000, 5_400)}
    guarded = look(errors=errors, control=TEN, blue=THIRTEEN)

    assert decided(guarded, of=design(**GUARDED)).winner == "blue"
    assert decided(guarded, of=design(guardrails=[{"metric": "errors", "better": "lower", "margin": 0.01}])).winner is None


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({}, "'control' has 0 users, and each arm needs 100."),
        ({"control": (50, 5)}, "'blue' has 0 users, and each arm needs 100."),
        ({"control": (120, 5), "blue": (99, 90)}, "'blue' has 99 users, and each arm needs 100."),
    ],
)
def test_too_few_users_decide_nothing(goal: dict[str, tuple[int, int]], message: str) -> None:
    decision = decided(look_at(goal))

    assert (decision.outcome, decision.reason, decision.message) == ("undecided", "too_few_users", message)


def test_without_any_look_nothing_is_decided() -> None:
    assert analyse(design(), []).decision.reason == "too_few_users"


def test_without_a_mean_above_zero_there_is_no_lift() -> None:
    assert decided(look(control=(1_000, 0), blue=(1_000, 50))).reason == "no_relative_lift"
    assert decided(look(14, control=(1_000, 0), blue=(1_000, 50))).outcome == "no_winner"


def test_lift_of_a_share_is_never_below_minus_100_percent() -> None:
    uneven = design(shares=(20, 1))
    few = look(control=(2_000, 60), blue=(100, 1))
    profit = Look(elapsed=DAY, goal={"control": Arm(4_000, 10, 900), "blue": Arm(4_000, -20, 900)})

    [share], [amount] = (analyse(of, [each]).comparisons for of, each in ((uneven, few), (design(), profit)))

    assert share.lift
    assert share.lift.low == -1
    assert "'blue' -66.67% (between -100.00% and +" in decided(few, of=uneven).message
    assert amount.lift
    assert amount.lift.low == pytest.approx(-3.38, abs=0.01)


def test_values_that_never_vary_decide_nothing() -> None:
    assert decided(look(control=(1_000, 1), blue=(1_000, 1_000))).outcome == "winner"
    assert decided(Look(elapsed=DAY, goal={"control": Arm(1_000, 0.5, 0), "blue": Arm(1_000, 1, 0)})).outcome == "undecided"


def test_the_same_looks_give_the_same_analysis_which_survives_json() -> None:
    looks = [look(control=TEN, blue=(9_990, 1_020)), look(2, control=(20_000, 2_000), blue=(20_100, 2_500))]

    result = analyse(design(), looks)

    assert analyse(design(), looks) == result
    assert Analysis.model_validate_json(result.model_dump_json()) == result
    assert [Look.model_validate_json(each.model_dump_json()) for each in looks] == looks
    assert result.model_dump()["comparisons"][0]["lift"].keys() == {"estimate", "low", "high"}
