"""Obstacles to a decision that no further users remove: data that don't fit the design, and a split that isn't as planned."""

from collections.abc import Sequence

from domain.experiments.comparison import Comparison
from domain.experiments.decision import Decision, ExperimentOutcome, Reason
from domain.experiments.design import Design
from domain.experiments.look import Look, is_usable, users
from domain.experiments.sentences import quoted
from domain.model import Message
from domain.statistics.sample_ratio import ALPHA, at_a_decision, at_any_look


class SampleRatio(Message):
    """The p-values of the planned split: the smallest of all looks, and that of the last look alone, which counts if a decision is due.

    `worst` are the users of each arm at the look with the smallest p-value, in the order of the design.
    """

    at_any_look: float = 1.0
    at_a_decision: float = 1.0
    worst: tuple[int, ...] = ()


def held(reason: Reason, message: str) -> Decision:
    """Return the decision to hold the experiment."""
    return Decision(outcome=ExperimentOutcome.HELD, reason=reason, message=message)


def obstacle_in_data(design: Design, look: Look) -> Decision | None:
    """Return why the numbers of a look don't fit the design."""
    known = {arm.key for arm in design.arms}
    for metric, arms in look.metrics():
        for key, arm in arms.items():
            if key not in known:
                return held(
                    Reason.UNKNOWN_ARM, f"The {metric} has numbers for '{key}', which is no arm of this experiment. Was it renamed?"
                )
            if not is_usable(arm):
                return held(Reason.UNUSABLE_NUMBER, f"The {metric} has an unusable number for '{key}'. Check the query.")
    return _empty_arm(design, look)


def _empty_arm(design: Design, look: Look) -> Decision | None:
    """Return that an arm has no users, though there should be some by now."""
    empty = [arm.key for arm in design.arms if users(look.goal, arm.key) == 0]
    most = max(users(look.goal, arm.key) for arm in design.arms)
    if not empty or (most < design.minimum and look.elapsed < design.longest):
        return None
    return held(Reason.ARM_WITHOUT_DATA, f"'{empty[0]}' has no users, and the largest arm has {most:,}. Check the flag and the query.")


def sample_ratio(design: Design, looks: Sequence[Look]) -> SampleRatio:
    """Return how well the users are split. Looks whose numbers don't fit the design, or lack an arm, don't count."""
    counted = [look for look in looks if all(users(look.goal, arm.key) for arm in design.arms) and obstacle_in_data(design, look) is None]
    if not counted:
        return SampleRatio()
    smallest, worst = min(((at_any_look(look.counts(design)), look) for look in counted), key=lambda each: each[0])
    return SampleRatio(
        at_any_look=smallest,
        at_a_decision=at_a_decision(counted[-1].counts(design)),
        worst=tuple(count.users for count in worst.counts(design)),
    )


def obstacle_in_split(design: Design, split: Sequence[int], p: float) -> Decision | None:
    """Return that the users aren't split as planned, if such a split of the arms hardly ever happens by chance."""
    if p >= ALPHA:
        return None
    total, whole = sum(split), sum(arm.share for arm in design.arms)
    arms = ", ".join(
        f"{seen:,} in '{arm.key}' (planned: {total * arm.share / whole:,.0f})" for arm, seen in zip(design.arms, split, strict=True)
    )
    remedy = "So the arms can't be compared. Find the cause, and begin again."
    return held(
        Reason.SAMPLE_RATIO, f"The users aren't split as planned: {arms}. Chance does this in less than one of 1,000 cases. {remedy}"
    )


def too_few_users(design: Design, look: Look) -> str | None:
    """Return that an arm has fewer users than the minimum, without a full stop."""
    smallest = min((arm.key for arm in design.arms), key=lambda key: users(look.goal, key))
    seen = users(look.goal, smallest)
    return f"'{smallest}' has {seen:,} users, and each arm needs {design.minimum:,}" if seen < design.minimum else None


def objection_to(design: Design, look: Look, comparisons: Sequence[Comparison], arm: str | None) -> str | None:
    """Return why an arm must not be shipped without having won, without a full stop. Nothing speaks against the control."""
    found = next((each for each in comparisons if each.variant == arm), None)
    return (too_few_users(design, look) or _objection_in_numbers(design, found)) if found else None


def _objection_in_numbers(design: Design, found: Comparison) -> str | None:
    objections = (
        (found.lift is None, "its lift can't be told"),
        (found.is_worse, f"it is worse than '{design.control.key}', with {design.confidence_in_words}"),
        (bool(found.breaches), f"it breaches the guardrail {quoted(found.breaches)}, with {design.confidence_in_words}"),
        (bool(found.unjudged), f"its guardrail {quoted(found.unjudged)} can't be judged"),
        (bool(found.unproven), f"it isn't proven that it does no harm to {quoted(found.unproven)}"),
    )
    return next((objection for applies, objection in objections if applies), None)
