"""The analysis of an experiment: what is known at a look, and whether it decides."""

from collections.abc import Sequence
from datetime import timedelta

from domain.experiments.comparison import Comparison, compare
from domain.experiments.decision import Decision, ExperimentOutcome, Reason
from domain.experiments.design import Design
from domain.experiments.look import Look, users
from domain.experiments.obstacle import SampleRatio, held, obstacle_in_data, obstacle_in_split, sample_ratio
from domain.experiments.sentences import about_breaches, about_lifts, about_winner
from domain.model import Message


class Analysis(Message):
    """The result of a look: a comparison for each variant, the check of the split, and the decision."""

    comparisons: tuple[Comparison, ...]
    sample_ratio: SampleRatio
    decision: Decision


def analyse(design: Design, looks: Sequence[Look]) -> Analysis:
    """Analyse an experiment at its last look.

    Earlier looks count only for the check of the split: once it is off, it stays off. The result depends on nothing but the arguments.
    """
    look = looks[-1] if looks else Look(elapsed=timedelta(), goal={})
    obstacle = obstacle_in_data(design, look)
    comparisons = () if obstacle else _comparisons(design, look)
    ratio = sample_ratio(design, looks)
    return Analysis(comparisons=comparisons, sample_ratio=ratio, decision=obstacle or _decide(design, look, comparisons, ratio))


def comparisons_at(design: Design, look: Look) -> tuple[Comparison, ...]:
    """Return a comparison for each variant at one look, or none if its numbers don't fit the design."""
    return () if obstacle_in_data(design, look) else _comparisons(design, look)


def _comparisons(design: Design, look: Look) -> tuple[Comparison, ...]:
    return tuple(compare(design, look, variant.key) for variant in design.variants)


def _decide(design: Design, look: Look, comparisons: Sequence[Comparison], ratio: SampleRatio) -> Decision:
    if obstacle := obstacle_in_split(design, ratio.worst, ratio.at_any_look):
        return obstacle
    decision = _winner(design, comparisons) or _without_winner(design, look, comparisons)
    is_due = decision.outcome in (ExperimentOutcome.WINNER, ExperimentOutcome.NO_WINNER)
    split = [users(look.goal, arm.key) for arm in design.arms]
    return (obstacle_in_split(design, split, ratio.at_a_decision) if is_due else None) or decision


def _winner(design: Design, comparisons: Sequence[Comparison]) -> Decision | None:
    """Return the best of the variants that are certainly better and breach no guardrail, or hold if a guardrail can't be judged."""
    if any(each.lift is None for each in comparisons):
        return None
    better = sorted((each for each in comparisons if each.is_better), key=lambda each: _gain(design, each), reverse=True)
    allowed = [each for each in better if not each.breaches]
    if not allowed:
        return None
    best, passed_over = allowed[0], better[: better.index(allowed[0])]
    if best.unjudged:
        missing = f"its guardrail '{best.unjudged[0]}' can't be judged: too few users, or a mean of zero in '{design.control.key}'"
        return held(Reason.GUARDRAIL_WITHOUT_DATA, f"'{best.variant}' is better, but {missing}.")
    message = " ".join([about_winner(design, best), *map(about_breaches, passed_over)])
    return Decision(outcome=ExperimentOutcome.WINNER, reason=Reason.SIGNIFICANT, message=message, winner=best.variant)


def _gain(design: Design, comparison: Comparison) -> float:
    estimate = comparison.lift.estimate if comparison.lift else 0.0
    return estimate if design.better == "higher" else -estimate


def _without_winner(design: Design, look: Look, comparisons: Sequence[Comparison]) -> Decision:
    reason, message = _what_is_missing(design, look, comparisons)
    if look.elapsed < design.longest:
        return Decision(outcome=ExperimentOutcome.UNDECIDED, reason=reason, message=message)
    over = f"The maximum duration of {design.longest_in_words} is over without a winner."
    return Decision(outcome=ExperimentOutcome.NO_WINNER, reason=Reason.TIME_OVER, message=f"{over} {message}")


def _what_is_missing(design: Design, look: Look, comparisons: Sequence[Comparison]) -> tuple[Reason, str]:
    smallest = min((arm.key for arm in design.arms), key=lambda key: users(look.goal, key))
    if users(look.goal, smallest) < design.minimum:
        return Reason.TOO_FEW_USERS, f"'{smallest}' has {users(look.goal, smallest):,} users, and each arm needs {design.minimum:,}."
    if any(each.lift is None for each in comparisons):
        return (
            Reason.NO_RELATIVE_LIFT,
            f"There is no lift, because the mean of '{design.control.key}' is zero or less, or no value varies.",
        )
    breaching = [each for each in comparisons if each.is_better and each.breaches]
    if breaching:
        return Reason.BREACHES_GUARDRAIL, " ".join([*map(about_breaches, breaching), "No other variant is certainly better."])
    return Reason.NOT_SIGNIFICANT, f"No variant is certainly better. {about_lifts(design, comparisons)}"
