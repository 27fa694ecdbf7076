"""The meaning of a flag for applications: the values that each audience gets, and the flag's state as far as this shows it."""

from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple

from domain.flags.allocation import Allocation, Slot, allocation_of, slots_of
from domain.flags.flag import FeatureType, FlagState, Override, Rollout, Value
from domain.percentage import EVERYONE, from_hundredths, in_hundredths

Line = tuple[tuple[Value, int], ...]
"""Values, each with its part of the identities in hundredths of a percent, from the left. All parts together are everyone.

None is the application's own default. The value of a toggle is *enabled*.
"""

WHOLE = in_hundredths(EVERYONE)


class Serving(NamedTuple):
    """The line of each segment, in order, and of everyone else, and the plain value."""

    segments: Mapping[str, Line]
    everyone: Line
    plain: Value

    @property
    def is_everyone(self) -> bool:
        """True if everyone gets the same value."""
        return not self.segments and len(self.everyone) == 1


class Values(NamedTuple):
    """The type of a flag's values, and the value of each of its variants by name."""

    type: FeatureType
    of: Mapping[str, Value]

    @property
    def has_variants(self) -> bool:
        """True if variants can be allocated. Those of a toggle are only *enabled* and *disabled*."""
        return self.type is not FeatureType.TOGGLE

    def served(self, enabled: bool, value: Value) -> Value:
        """Return the value that applications get. A disabled flag has none, unless it is a toggle."""
        if self.type is FeatureType.TOGGLE:
            return enabled
        return value if enabled else None

    def line(self, enabled: bool, value: Value, allocation: Allocation) -> Line:
        """Return the line of an audience."""
        plain = self.served(enabled, value)
        parts = [(self.of[slot.variant] if slot.variant else plain, in_hundredths(slot.percent)) for slot in slots_of(allocation)]
        rest = WHOLE - sum(part for _, part in parts)
        if not enabled:
            return ((plain, WHOLE),)
        return (*parts, (plain, rest)) if rest else tuple(parts)

    def name(self, value: Value) -> str:
        """Return the variant that has a value. Raises KeyError."""
        return {value: name for name, value in self.of.items()}[value]


def serving_of(state: FlagState, values: Values) -> Serving:
    """Return what a state serves."""
    by_priority = sorted(state.overrides, key=lambda segment: state.overrides[segment].priority)
    segments = {segment: values.line(*state.resolved(segment), state.allocated(segment)) for segment in by_priority}
    everyone = values.line(state.enabled, state.value, state.allocation)
    if state.rollout:
        included = in_hundredths(state.rollout.percent)
        everyone = ((values.served(*state.in_rollout(state.rollout)), included), (everyone[-1][0], WHOLE - included))
    return Serving(segments, everyone, values.served(state.enabled, state.value) if len(everyone) > 1 else everyone[0][0])


def is_same_line(one: Line, other: Line) -> bool:
    """True if everybody gets the same value. A part that is split into two of the same value is one."""
    return _joined(one) == _joined(other)


def _joined(line: Line) -> Line:
    return tuple((value, sum(part for _, part in parts)) for value, parts in groupby(line, key=lambda each: each[0]))


def visible_state(serving: Serving, values: Values) -> FlagState:
    """Return the simplest state that serves this. Its overrides have the priorities 0, 1, 2 and so on. Raises KeyError.

    Two parts for everyone, of which the second is plain, are a rollout. Others are variants, or again the plain value.
    """
    plain = serving.plain if values.has_variants else serving.everyone[-1][0]
    overrides = {segment: _override(values, line, priority) for priority, (segment, line) in enumerate(serving.segments.items())}
    is_rollout = len(serving.everyone) == 2 and serving.everyone[-1][0] == plain
    if len(serving.everyone) > 1 and not is_rollout:
        return FlagState(enabled=True, value=plain, allocation=_allocation(values, serving.everyone, plain), overrides=overrides)
    enabled, value = _seen(values.type, plain)
    rollout = _rollout(values.type, *serving.everyone[0]) if is_rollout else None
    return FlagState(enabled=enabled, value=value, overrides=overrides, rollout=rollout)


def _seen(feature_type: FeatureType, value: Value) -> tuple[bool, Value]:
    if feature_type is FeatureType.TOGGLE:
        return value is True, None
    return value is not None, value


def _allocation(values: Values, line: Line, plain: Value) -> Allocation:
    return allocation_of(Slot(from_hundredths(part), None if value == plain else values.name(value)) for value, part in line)


def _override(values: Values, line: Line, priority: int) -> Override:
    plain = line[-1][0]
    if len(line) > 1:
        return Override(enabled=True, value=plain, priority=priority, allocation=_allocation(values, line, plain))
    enabled, value = _seen(values.type, plain)
    return Override(enabled=enabled, value=value, inherits=("value",) if value is None else (), priority=priority)


def _rollout(feature_type: FeatureType, served: Value, part: int) -> Rollout:
    enabled, value = _seen(feature_type, served)
    if value is None:
        return Rollout(percent=from_hundredths(part), enabled=enabled)
    return Rollout(percent=from_hundredths(part), enabled=enabled, value=value)
