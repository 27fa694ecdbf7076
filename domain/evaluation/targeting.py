"""The states that overrides and rollouts serve. The evaluator and the environment document both use this module."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from domain.evaluation.snapshot import ServedFlag, ServedSegment
from domain.flags.flag import LAST_PRIORITY, Value
from domain.flags.segment import Rule
from domain.flags.segment_rules import can_be_evaluated
from domain.flags.served_rules import ServedRule, rewritten

PRIORITY_OF_ROLLOUT = LAST_PRIORITY + 1
"""A rollout comes after all overrides and before the default."""


class RolloutShare(NamedTuple):
    """A rollout as a segment of a percentage of all identities. The number of the segment is that of the flag."""

    flag: ServedFlag
    name: str
    percent: int
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
    enabled = rollout.enabled if "enabled" in rollout.named else flag.state.enabled
    value = rollout.value if "value" in rollout.named else flag.state.value
    return RolloutShare(flag, name_of_share(flag.feature.key), rollout.percent, enabled, value)


def overrides_for(segment: ServedSegment, flags: Iterable[ServedFlag]) -> Iterator[tuple[ServedFlag, bool, Value, int]]:
    """Yield each flag that has an override for the segment, with its *enabled*, value and priority. Inherited fields are filled."""
    for flag in flags:
        if override := flag.state.overrides.get(segment.segment.key):
            yield flag, *flag.state.resolved(segment.segment.key), override.priority


def served_rules(rules: Sequence[Rule]) -> tuple[ServedRule, ...]:
    """Return a segment's rules, rewritten, or none if they can't be evaluated. Without rules a segment includes no one."""
    return rewritten(rules) if can_be_evaluated(rules) else ()
