"""An experiment ends with a winner, or without one when its time is over. Everything else leaves it open."""

import pytest

from domain.experiments.analysis import Analysis, analyse
from domain.experiments.look import Look
from domain.statistics.confidence_sequence import Arm
from tests.domain.experiments.experiments import DAY, FOURTEEN, TEN, THIRTEEN, decided, design, look, look_at


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
