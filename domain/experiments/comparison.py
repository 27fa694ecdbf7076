"""The comparison of one variant with the control at one look."""

from typing import Annotated

from pydantic import PlainSerializer

from domain.experiments.design import Better, Design, Guardrail
from domain.experiments.look import Arms, Look, users
from domain.model import Message
from domain.statistics.confidence_sequence import Interval, lift


class Comparison(Message):
    """The lift of a variant over the control: 0.1 is 10% more. It is None if it can't be told yet.

    `is_better` and `is_worse` are True if the direction has the confidence of the design. `breaches` are the guardrails that the variant
    makes worse by more than their margin with that confidence, and `unjudged` those that can't be told.
    """

    variant: str
    lift: Annotated[Interval, PlainSerializer(Interval._asdict)] | None
    is_better: bool = False
    is_worse: bool = False
    breaches: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()


def compare(design: Design, look: Look, variant: str) -> Comparison:
    """Compare a variant with the control."""
    found = _lift(design, look.goal, variant)
    guardrails = {each.metric: _breaches(design, look, variant, each) for each in design.guardrails}
    return Comparison(
        variant=variant,
        lift=found,
        is_better=found is not None and _is_beyond(found, design.better, 0),
        is_worse=found is not None and _is_beyond(found, _opposite(design.better), 0),
        breaches=tuple(metric for metric, breach in guardrails.items() if breach),
        unjudged=tuple(metric for metric, breach in guardrails.items() if breach is None),
    )


def _lift(design: Design, arms: Arms, variant: str) -> Interval | None:
    control = design.control.key
    if min(users(arms, control), users(arms, variant)) < design.minimum:
        return None
    return lift(arms[control], arms[variant], design.alpha, 2 * design.planned)


def _breaches(design: Design, look: Look, variant: str, guardrail: Guardrail) -> bool | None:
    """Return True if the variant makes the metric worse by more than the margin, with the confidence, or None if it can't be told."""
    found = _lift(design, look.guardrails.get(guardrail.metric, {}), variant)
    return None if found is None else _is_beyond(found, _opposite(guardrail.better), guardrail.margin)


def _is_beyond(found: Interval, direction: Better, margin: float) -> bool:
    return found.is_above(margin) if direction == "higher" else found.is_below(-margin)


def _opposite(better: Better) -> Better:
    return "lower" if better == "higher" else "higher"
