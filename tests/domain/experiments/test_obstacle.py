"""Data that don't fit the design, or a split that isn't as planned, hold an experiment. They never decide it."""

import math
from typing import Any

import pytest

from domain.experiments.analysis import analyse
from domain.experiments.design import Design
from domain.experiments.look import Look
from domain.statistics.confidence_sequence import Arm
from tests.domain.experiments.experiments import DAY, GUARDED, conversions, design, look, look_at

HONEST = look(3, control=(10_000, 1_000), blue=(10_000, 1_300))
UNEVEN = look(3, control=(9_600, 960), blue=(10_400, 1_400))


def held(*looks: Look, of: Design | None = None) -> str | None:
    """Return the reason if the experiment is held, at any time."""
    decision = analyse(of or design(), looks).decision
    late = analyse(of or design(), [*looks[:-1], looks[-1].model_copy(update={"elapsed": 20 * DAY})]).decision
    assert decision.winner is None or decision.outcome == "winner"
    assert (late.outcome == "held") == (decision.outcome == "held")
    return decision.reason if decision.outcome == "held" else None


def test_a_split_that_is_off_is_held_and_says_how_far() -> None:
    decision = analyse(design(), [UNEVEN]).decision

    assert held(UNEVEN) == "sample_ratio"
    assert decision.message == (
        "The users aren't split as planned: 9,600 in 'control' (planned: 10,000), 10,400 in 'blue' (planned: 10,000). "
        "Chance does this in less than one of 1,000 cases. So the arms can't be compared. Find the cause, and begin again."
    )


def test_a_split_that_was_off_once_stays_off() -> None:
    later = look(4, control=(20_000, 2_000), blue=(20_000, 2_600))

    assert held(later) is None
    assert held(UNEVEN, later) == "sample_ratio"
    assert "9,600 in 'control' (planned: 10,000)" in analyse(design(), [UNEVEN, later]).decision.message


def test_a_split_is_checked_more_strictly_when_a_decision_is_due() -> None:
    suspicious = {"control": (9_750, 975), "blue": (10_250, 1_400)}
    result = analyse(design(), [look_at(suspicious)])

    assert result.sample_ratio.at_a_decision < 0.001 < result.sample_ratio.at_any_look
    assert (result.decision.reason, result.decision.is_final) == ("sample_ratio", True)
    assert analyse(design(), [look(control=(9_750, 975), blue=(10_250, 1_025))]).decision.outcome == "undecided"


def test_a_planned_split_may_be_uneven() -> None:
    uneven = Design.model_validate({"control": {"key": "control", "share": 90}, "variants": [{"key": "blue", "share": 10}], "longest": DAY})

    assert held(look(control=(90_000, 9_000), blue=(10_000, 1_300)), of=uneven) is None
    assert held(HONEST, of=uneven) == "sample_ratio"


def test_a_renamed_variant_holds() -> None:
    assert held(look(control=(10_000, 1_000), azure=(10_000, 1_300))) == "unknown_arm"
    assert held(look(control=(10_000, 1_000), blue=(10_000, 1_300), azure=(3, 1))) == "unknown_arm"


def test_an_unknown_arm_of_a_guardrail_holds() -> None:
    errors = {"control": (10_000, 100), "blue": (10_000, 100), "azure": (1, 1)}

    assert held(look(errors=errors, control=(10_000, 1_000), blue=(10_000, 1_300)), of=design(**GUARDED)) == "unknown_arm"


def test_an_arm_without_users_holds_once_the_others_have_enough() -> None:
    assert held(look(control=(10_000, 1_000))) == "arm_without_data"
    assert analyse(design(), [look(control=(99, 10))]).decision.outcome == "undecided"


def test_an_experiment_without_data_never_ends_by_its_time() -> None:
    assert analyse(design(), [look(20)]).decision.reason == "arm_without_data"


def test_a_look_that_lacks_an_arm_doesn_t_count_for_the_split() -> None:
    assert held(look(1, control=(10_000, 1_000)), HONEST) is None


@pytest.mark.parametrize("arm", [Arm(500, math.nan, 1), Arm(500, 1, math.inf), Arm(500, 1, -1), Arm(-5, 1, 1)])
def test_an_unusable_number_holds(arm: Arm) -> None:
    assert held(Look(elapsed=DAY, goal={"control": conversions(500, 50), "blue": arm})) == "unusable_number"


@pytest.mark.parametrize(
    "fields",
    [
        {"variants": []},
        {"variants": [{"key": "control"}]},
        {"variants": [{"key": "blue"}, {"key": "blue"}]},
        {"variants": [{"key": "blue", "share": 0}]},
        {"variants": [{"key": "blue", "share": math.nan}]},
        {"guardrails": [{"metric": "errors", "better": "lower", "margin": 0.1}] * 2},
        {"guardrails": [{"metric": "errors", "better": "lower", "margin": -0.1}]},
        {"guardrails": [{"metric": "revenue", "better": "higher", "margin": 1}]},
        {"confidence": 1},
        {"minimum": 1},
        {"planned": 0},
        {"longest": 0 * DAY},
        {"without_winner": "red"},
        {"winner": "blue"},
    ],
)
def test_a_design_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        design(**fields)
