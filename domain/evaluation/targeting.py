"""The states that overrides and rollouts serve. The evaluator and the environment document both use this module."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from domain.evaluation.snapshot import ServedFlag, ServedSegment
from domain.flags.allocation import Share, slots_of
from domain.flags.flag import LAST_PRIORITY, Value
from domain.flags.segment import Operator, Rule
from domain.flags.segment_rules import can_be_evaluated
from domain.flags.served_rules import ServedCondition, ServedRule, rewritten
from domain.flags.variant import Variant
from domain.percentage import Percentage

PRIORITY_OF_ROLLOUT = LAST_PRIORITY + 1
"""A rollout comes after all overrides and before the default."""


class RolloutShare(NamedTuple):
    """A rollout as a segment of a percentage of all identities. The number of the segment is that of the flag."""

    flag: ServedFlag
    name: str
    percent: Percentage
    enabled: bool
    value: Value


def name_of_share(feature: str) -> str:
    """Return the name that SDKs show for the segment of a rollout. It has spaces, so it never equals a segment's key."""
    return f"rollout of {feature}"


def share_of(flag: ServedFlag) -> RolloutShare | None:
    """Return the share of a flag's rollout, with unnamed fields filled from the default, or None without a rollout.

    The hash is salted by the feature and the environment.
    """
    if not (rollout := flag.state.rollout):
        return None
    return RolloutShare(flag, name_of_share(flag.feature.key), rollout.percent, *flag.state.in_rollout(rollout))


class ServedSlot(NamedTuple):
    """A part of the line of identities that gets a variant, or the plain value."""

    percent: Percentage
    variant: Variant | None


def split_of(flag: ServedFlag, segment: str | None = None, *, in_rollout: bool = False) -> tuple[ServedSlot, ...]:
    """Return the slots of a flag's default, of its override for a segment, or of its rollout; none without an allocation.

    A rollout with a value of its own serves that to its whole share.
    """
    rollout = flag.state.rollout
    allocation: Mapping[str, Share] = flag.state.allocated(segment)
    if in_rollout and rollout and "value" in rollout.named:
        allocation = {}
    variants = {each.key: each for each in flag.feature.variants}
    return tuple(ServedSlot(slot.percent, variants.get(slot.variant or "")) for slot in slots_of(dict(allocation)))


def overrides_for(segment: ServedSegment, flags: Iterable[ServedFlag]) -> Iterator[tuple[ServedFlag, bool, Value, int]]:
    """Yield each flag that has an override for the segment, with its *enabled*, value and priority. Inherited fields are filled."""
    for flag in flags:
        if override := flag.state.overrides.get(segment.segment.key):
            yield flag, *flag.state.resolved(segment.segment.key), override.priority


def served_rules(rules: Sequence[Rule]) -> tuple[ServedRule, ...]:
    """Return a segment's rules, rewritten, or none if they can't be evaluated. Without rules a segment includes no one."""
    return rewritten(rules) if can_be_evaluated(rules) else ()


def needs_identifier(flag: ServedFlag, segments: Iterable[ServedSegment]) -> bool:
    """Return True if the flag can differ between two identities with the same traits: by shares, or by the rules of an override."""
    return (
        flag.state.rollout is not None
        or flag.state.is_split
        or any(
            segment.segment.key in flag.state.overrides and _read_identifier(served_rules(segment.segment.rules)) for segment in segments
        )
    )


def _read_identifier(rules: Iterable[ServedRule]) -> bool:
    return any(_read_identifier(rule.rules) or any(map(_reads_identifier, rule.conditions)) for rule in rules)


def _reads_identifier(condition: ServedCondition) -> bool:
    """A split without a property is one of all identities. With a property it is one of the trait's values."""
    if condition.operator is Operator.PERCENTAGE_SPLIT and not condition.property:
        return True
    return (condition.property or "").startswith("$.identity.")
