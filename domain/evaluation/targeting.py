"""Who gets what, besides the default: what overrides and rollouts serve, for the engine and for the environment document alike."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.evaluation.snapshot import ServedFlag, ServedSegment
from domain.flags.flag import LAST_PRIORITY, Value
from domain.flags.segment import Rule
from domain.flags.segment_rules import can_be_evaluated

PRIORITY_OF_ROLLOUT = LAST_PRIORITY + 1
"""Below every override, and above the default."""


class RolloutShare(NamedTuple):
    """The identities that a rollout serves, as a segment that holds a percentage of all; its number is the flag's."""

    flag: ServedFlag
    name: str
    percent: int
    enabled: bool
    value: Value


def name_of_share(feature: str) -> str:
    """What SDKs show of the segment that a rollout makes; no segment's key looks like it."""
    return f"rollout of {feature}"


def share_of(flag: ServedFlag) -> RolloutShare | None:
    """The share that a rollout serves, what it does not name filled from the default; its salt is the feature and the environment."""
    if not (rollout := flag.state.rollout):
        return None
    enabled = rollout.enabled if "enabled" in rollout.named else flag.state.enabled
    value = rollout.value if "value" in rollout.named else flag.state.value
    return RolloutShare(flag, name_of_share(flag.feature.key), rollout.percent, enabled, value)


def overrides_for(segment: ServedSegment, flags: Iterable[ServedFlag]) -> Iterator[tuple[ServedFlag, bool, Value, int]]:
    """What the segment gets of each flag that has an override for it, inherited fields filled from the default; and its priority."""
    for flag in flags:
        if override := flag.state.overrides.get(segment.segment.key):
            yield flag, *flag.state.resolved(segment.segment.key), override.priority


def served_rules(segment: ServedSegment) -> tuple[Rule, ...]:
    """The segment's rules; none, and so nobody in it, where they can't be evaluated."""
    return segment.segment.rules if can_be_evaluated(segment.segment.rules) else ()
