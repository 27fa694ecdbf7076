"""A winner must not break a guardrail, as far as the guardrail asks for a proof."""

from typing import Any

import pytest

from tests.domain.experiments.experiments import FOURTEEN, GUARDED, TEN, THIRTEEN, decided, design, look


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


def test_end_without_a_winner_says_it_too() -> None:
    seen = {"control": (10_000, 100), "blue": (10_000, 105)}

    message = decided(look(14, errors=seen, control=TEN, blue=TEN), of=design(without_winner="blue", **GUARDED)).message

    assert "Guardrail 'errors' of 'blue': +5.00% (between -" in message


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
