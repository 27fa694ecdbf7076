"""The comparison of one variant with the control at one look."""

from typing import Annotated, Literal

from pydantic import PlainSerializer

from domain.experiments.design import Better, Design, Guardrail
from domain.experiments.look import Arms, Look, is_share, users
from domain.model import Message
from domain.statistics.confidence_sequence import Interval, lift

GuardrailState = Literal["harm", "no_harm", "not_proven", "unknown"]
"""The state of a guardrail: more harm than its margin is proven, no such harm is proven, neither is, or the numbers can't tell."""

Lift = Annotated[Interval, PlainSerializer(Interval._asdict)]


class GuardrailResult(Message):
    """The lift of a variant in the metric of a guardrail. It is None if it can't be told yet."""

    metric: str
    lift: Lift | None
    state: GuardrailState


class Comparison(Message):
    """The lift of a variant over the control: 0.1 is 10% more. It is None if it can't be told yet.

    `is_better` and `is_worse` are True if the direction has the confidence of the design. `breaches` are the guardrails that the variant
    makes worse by more than their margin with that confidence, `unjudged` those that can't be told, and `unproven` those that need a proof
    that there is no such harm, and have none.
    """

    variant: str
    lift: Lift | None
    is_better: bool = False
    is_worse: bool = False
    breaches: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    guardrails: tuple[GuardrailResult, ...] = ()


def compare(design: Design, look: Look, variant: str) -> Comparison:
    """Compare a variant with the control."""
    found = _lift(design, look.goal, variant)
    results = tuple(_result(design, look, variant, each) for each in design.guardrails)
    need_proof = {each.metric for each in design.guardrails if each.proof == "no_harm"}
    return Comparison(
        variant=variant,
        lift=found,
        is_better=found is not None and _is_beyond(found, design.better, 0),
        is_worse=found is not None and _is_beyond(found, _opposite(design.better), 0),
        breaches=tuple(each.metric for each in results if each.state == "harm"),
        unjudged=tuple(each.metric for each in results if each.state == "unknown"),
        unproven=tuple(each.metric for each in results if each.state == "not_proven" and each.metric in need_proof),
        guardrails=results,
    )


def _lift(design: Design, arms: Arms, variant: str) -> Interval | None:
    control = design.control.key
    if min(users(arms, control), users(arms, variant)) < design.minimum:
        return None
    found = lift(arms[control], arms[variant], design.alpha, 2 * design.planned)
    if found and found.low is not None and is_share(arms[control]) and is_share(arms[variant]):
        return found._replace(low=max(found.low, -1.0))  # No share falls by more than 100%.
    return found


def _result(design: Design, look: Look, variant: str, guardrail: Guardrail) -> GuardrailResult:
    """Compare the metric of a guardrail. The harm that its margin allows is no harm."""
    found = _lift(design, look.guardrails.get(guardrail.metric, {}), variant)
    state: GuardrailState = "not_proven"
    if found is None:
        state = "unknown"
    elif _is_beyond(found, _opposite(guardrail.better), guardrail.margin):
        state = "harm"
    elif _is_beyond(found, guardrail.better, -guardrail.margin):
        state = "no_harm"
    return GuardrailResult(metric=guardrail.metric, lift=found, state=state)


def _is_beyond(found: Interval, direction: Better, margin: float) -> bool:
    return found.is_above(margin) if direction == "higher" else found.is_below(-margin)


def _opposite(better: Better) -> Better:
    return "lower" if better == "higher" else "higher"
