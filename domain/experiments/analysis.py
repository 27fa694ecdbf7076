"""The analysis of an experiment: what is known at a look, and whether it decides."""

from collections.abc import Sequence
from datetime import timedelta

from domain.duration import speak_duration
from domain.experiments.comparison import Comparison, compare
from domain.experiments.decision import Decision, ExperimentOutcome, Reason
from domain.experiments.design import Design
from domain.experiments.look import Look, users
from domain.experiments.obstacle import SampleRatio, held, objection_to, obstacle_in_data, obstacle_in_split, sample_ratio, too_few_users
from domain.experiments.sentences import about_breaches, about_guardrails, about_lifts, about_unproven, about_winner
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
    decision = _winner(design, look, comparisons) or _without_winner(design, look, comparisons)
    if not decision.is_final:
        return decision
    split = [users(look.goal, arm.key) for arm in design.arms]
    off = obstacle_in_split(design, split, ratio.at_a_decision)
    # The test holds for one look. If it were made again at the next one, a wrong split would pass sooner or later.
    return off.model_copy(update={"is_final": True}) if off else decision


def _winner(design: Design, look: Look, comparisons: Sequence[Comparison]) -> Decision | None:
    """Return the best of the variants that are better with confidence and that no guardrail keeps from winning.

    If a guardrail of the best one can't be judged, it is held.
    """
    if any(each.lift is None for each in comparisons):
        return None
    better = sorted((each for each in comparisons if each.is_better), key=lambda each: _gain(design, each), reverse=True)
    allowed = [each for each in better if not each.breaches and not each.unproven]
    if not allowed:
        return None
    best, passed_over = allowed[0], better[: better.index(allowed[0])]
    if best.unjudged:
        missing = f"its guardrail '{best.unjudged[0]}' can't be judged: too few users, or a mean of zero in '{design.control.key}'"
        return held(Reason.GUARDRAIL_WITHOUT_DATA, f"'{best.variant}' is better, but {missing}.")
    if not design.decides_at(look.elapsed):
        due = speak_duration(design.next_decision_after(look.elapsed))
        message = f"'{best.variant}' is ahead, and the next decision is made after {due}. {about_lifts(design, [best])}"
        return Decision(outcome=ExperimentOutcome.UNDECIDED, reason=Reason.TOO_EARLY, message=message)
    message = " ".join([about_winner(design, best), *(_about_passed_over(design, each) for each in passed_over)])
    found = best.variant
    return Decision(outcome=ExperimentOutcome.WINNER, reason=Reason.SIGNIFICANT, message=message, winner=found, ships=found, is_final=True)


def _about_passed_over(design: Design, comparison: Comparison) -> str:
    return about_breaches(design, comparison) if comparison.breaches else about_unproven(comparison)


def _gain(design: Design, comparison: Comparison) -> float:
    estimate = comparison.lift.estimate if comparison.lift else 0.0
    return estimate if design.better == "higher" else -estimate


def _without_winner(design: Design, look: Look, comparisons: Sequence[Comparison]) -> Decision:
    reason, message = _what_is_missing(design, look, comparisons)
    if look.elapsed < design.longest:
        return Decision(outcome=ExperimentOutcome.UNDECIDED, reason=reason, message=message)
    message = f"The maximum duration of {design.longest_in_words} is over without a winner. {message}"
    message = " ".join([message, *(sentence for each in comparisons for sentence in about_guardrails(each))])
    ships, reason = design.without_winner, Reason.TIME_OVER
    if objection := objection_to(design, look, comparisons, ships):
        message, ships, reason = f"{message} '{ships}' isn't shipped: {objection}. A person decides.", None, Reason.NOT_SAFE
    return Decision(outcome=ExperimentOutcome.NO_WINNER, reason=reason, message=message, ships=ships, is_final=True)


def _what_is_missing(design: Design, look: Look, comparisons: Sequence[Comparison]) -> tuple[Reason, str]:
    if missing := too_few_users(design, look):
        return Reason.TOO_FEW_USERS, f"{missing}."
    if any(each.lift is None for each in comparisons):
        return (
            Reason.NO_RELATIVE_LIFT,
            f"There is no lift, because the mean of '{design.control.key}' is zero or less, or no value varies.",
        )
    stopped = [each for each in comparisons if each.is_better and (each.breaches or each.unproven)]
    if stopped:
        passed_over = " ".join(_about_passed_over(design, each) for each in stopped)
        reason = Reason.BREACHES_GUARDRAIL if all(each.breaches for each in stopped) else Reason.NOT_PROVEN_HARMLESS
        return reason, f"{passed_over} No other variant is better with {design.confidence_in_words}."
    if all(each.is_worse for each in comparisons):
        worse = f"Every variant is worse than '{design.control.key}', with {design.confidence_in_words}."
        return Reason.ALL_WORSE, f"{worse} {about_lifts(design, comparisons)}"
    return Reason.NOT_SIGNIFICANT, f"No variant is better with {design.confidence_in_words}. {about_lifts(design, comparisons)}"
