"""Sentences about comparisons, for product managers."""

from collections.abc import Iterator, Mapping, Sequence

from domain.experiments.comparison import Comparison, GuardrailState
from domain.experiments.decision import ExperimentOutcome
from domain.experiments.design import Design
from domain.statistics.confidence_sequence import Interval


def about_winner(design: Design, best: Comparison) -> str:
    """Say that a variant wins, and by how much."""
    return " ".join([f"'{best.variant}' wins over '{design.control.key}'. {about_lifts(design, [best])}", *about_guardrails(best)])


def about_guardrails(comparison: Comparison) -> Iterator[str]:
    """Say what is known about each guardrail of a variant."""
    for each in comparison.guardrails:
        if each.lift:
            numbers = f"{_estimate(each.lift)} ({each.lift.in_percent()})"
            yield f"Guardrail '{each.metric}' of '{comparison.variant}': {numbers}, {_STATES[each.state]}."


_STATES: Mapping[GuardrailState, str] = {
    "harm": "harm beyond the margin",
    "no_harm": "no harm beyond the margin",
    "not_proven": "harm is neither proven nor ruled out",
    "unknown": "not known yet",
}


def about_unproven(comparison: Comparison) -> str:
    """Say that a variant would win, but may do harm."""
    waits = f"'{comparison.variant}' ({_estimate(comparison.lift)}) is better, but may do harm to {quoted(comparison.unproven)}"
    return " ".join([f"{waits}.", *about_guardrails(comparison)])


def about_breaches(design: Design, comparison: Comparison) -> str:
    """Say that a variant would win, but harms."""
    passed_over = f"'{comparison.variant}' ({_estimate(comparison.lift)}) is passed over"
    return f"{passed_over}: with {design.confidence_in_words}, it breaches the guardrail {quoted(comparison.breaches)}."


def quoted(metrics: Sequence[str]) -> str:
    """Return names in quotes: `'returns', 'speed'`."""
    return ", ".join(f"'{metric}'" for metric in metrics)


def about_lifts(design: Design, comparisons: Sequence[Comparison]) -> str:
    """Say for each variant how much more or less it is than the control, and which lifts fit the numbers."""
    lifts = "; ".join(f"'{each.variant}' {_estimate(each.lift)} ({each.lift.in_percent()})" for each in comparisons if each.lift)
    return f"Difference to '{design.control.key}', with {design.confidence_in_words} at all looks together: {lifts}."


def _estimate(found: Interval | None) -> str:
    return f"{found.estimate:+.2%}" if found else ""


def lift_in_words(comparison: Comparison) -> str:
    """Describe the lift and its interval: `+8.00% (between +1.20% and +15.00%)`."""
    return f"{_estimate(comparison.lift)} ({comparison.lift.in_percent()})" if comparison.lift else "not known yet"


def result_in_words(comparison: Comparison, confidence: float) -> str:
    """Describe what is known about a variant: `better, with 95% confidence, breaches 'returns'`."""
    direction = "better" if comparison.is_better else "worse" if comparison.is_worse else ""
    known = f"{direction}, with {confidence * 100:.6g}% confidence" if direction else "not proven better or worse"
    parts = [known] if comparison.lift else []
    parts += [f"breaches '{metric}'" for metric in comparison.breaches]
    parts += [f"'{metric}' can't be judged yet" for metric in comparison.unjudged]
    parts += [f"'{metric}' may be harmed" for metric in comparison.unproven]
    return ", ".join(parts) or "not known yet"


def undecided_in_words(outcome: ExperimentOutcome, without_winner: str | None) -> str:
    """Describe an experiment that has not decided. Without a winner, a variant is shipped, or a person decides if that is None."""
    otherwise = f"'{without_winner}' is shipped" if without_winner else "a person decides"
    match outcome:
        case ExperimentOutcome.HELD:
            return "Held. Nothing is decided until the cause is resolved."
        case ExperimentOutcome.NO_WINNER:
            return f"There is no winner, so {otherwise}."
        case ExperimentOutcome.UNDECIDED | ExperimentOutcome.WINNER:
            return f"Not decided yet. Without a winner, {otherwise}."


def decided_in_words(ships: str | None) -> str:
    """Describe the end of an experiment: what is shipped, or that a person decides if that is None."""
    return f"Decided: '{ships}' is shipped." if ships else "Ended: nothing is shipped, and a person decides."
