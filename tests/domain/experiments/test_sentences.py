"""Sentences about experiments."""

import pytest

from domain.experiments.comparison import Comparison
from domain.experiments.decision import ExperimentOutcome
from domain.experiments.sentences import decided_in_words, lift_in_words, result_in_words, undecided_in_words
from domain.statistics.confidence_sequence import Interval

SURE = "with 95% confidence"
LIFT = Interval(0.08, 0.012, 0.15)


@pytest.mark.parametrize(
    ("comparison", "lift", "result"),
    [
        (Comparison(variant="a", lift=None), "not known yet", "not known yet"),
        (Comparison(variant="a", lift=LIFT), "+8.00% (between +1.20% and +15.00%)", "not proven better or worse"),
        (
            Comparison(variant="a", lift=Interval(0.08, 0.012, None), is_better=True),
            "+8.00% (at least +1.20%)",
            f"better, {SURE}",
        ),
        (
            Comparison(variant="a", lift=Interval(-0.08, None, -0.01), is_worse=True),
            "-8.00% (at most -1.00%)",
            f"worse, {SURE}",
        ),
        (
            Comparison(variant="a", lift=LIFT, is_better=True, breaches=("returns",), unjudged=("speed",)),
            "+8.00% (between +1.20% and +15.00%)",
            f"better, {SURE}, breaches 'returns', 'speed' can't be judged yet",
        ),
    ],
)
def test_comparison_has_its_lift_and_its_result(comparison: Comparison, lift: str, result: str) -> None:
    assert (lift_in_words(comparison), result_in_words(comparison, 0.95)) == (lift, result)


@pytest.mark.parametrize(
    ("outcome", "without_winner", "words"),
    [
        (ExperimentOutcome.UNDECIDED, "control", "Not decided yet. Without a winner, 'control' is shipped."),
        (ExperimentOutcome.UNDECIDED, None, "Not decided yet. Without a winner, a person decides."),
        (ExperimentOutcome.NO_WINNER, None, "There is no winner, so a person decides."),
        (ExperimentOutcome.HELD, "control", "Held. Nothing is decided until the cause is resolved."),
    ],
)
def test_undecided_experiment_says_what_happens_next(outcome: ExperimentOutcome, without_winner: str | None, words: str) -> None:
    assert undecided_in_words(outcome, without_winner) == words


def test_end_of_an_experiment_says_who_decides() -> None:
    assert decided_in_words("blue") == "Decided: 'blue' is shipped."
    assert decided_in_words(None) == "Ended: nothing is shipped, and a person decides."
