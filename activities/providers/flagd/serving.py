"""The meaning of a flag for applications: the value that each audience gets, and the flag's state as far as this shows it."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.flags.flag import FeatureType, FlagState, Override, Rollout, Value


class ServedShare(NamedTuple):
    """A share of the identities that are in no segment, in percent, and the value that it gets."""

    percent: int | float
    value: Value


class Serving(NamedTuple):
    """The value of each segment, in order, of a share of all others, and of everyone else. None is the application's own default.

    The value of a toggle is *enabled*.
    """

    segments: Mapping[str, Value]
    share: ServedShare | None
    others: Value

    @property
    def is_everyone(self) -> bool:
        """True if everyone gets the same value."""
        return not self.segments and self.share is None


def served(feature_type: FeatureType, enabled: bool, value: Value) -> Value:
    """Return the value that applications get. A disabled flag has none, unless it is a toggle."""
    if feature_type is FeatureType.TOGGLE:
        return enabled
    return value if enabled else None


def serving_of(state: FlagState, feature_type: FeatureType) -> Serving:
    """Return what a state serves."""
    by_priority = sorted(state.overrides, key=lambda segment: state.overrides[segment].priority)
    segments = {segment: served(feature_type, *state.resolved(segment)) for segment in by_priority}
    rollout = state.rollout
    share = ServedShare(rollout.percent, served(feature_type, *state.in_rollout(rollout))) if rollout else None
    return Serving(segments, share, served(feature_type, state.enabled, state.value))


def visible_state(serving: Serving, feature_type: FeatureType) -> FlagState:
    """Return the simplest state that serves this. Its overrides have the priorities 0, 1, 2 and so on."""
    enabled, value = _seen(feature_type, serving.others)
    overrides = {segment: _override(feature_type, each, priority) for priority, (segment, each) in enumerate(serving.segments.items())}
    return FlagState(enabled=enabled, value=value, overrides=overrides, rollout=serving.share and _rollout(feature_type, serving.share))


def _seen(feature_type: FeatureType, value: Value) -> tuple[bool, Value]:
    if feature_type is FeatureType.TOGGLE:
        return value is True, None
    return value is not None, value


def _override(feature_type: FeatureType, served_value: Value, priority: int) -> Override:
    enabled, value = _seen(feature_type, served_value)
    return Override(enabled=enabled, value=value, inherits=("value",) if value is None else (), priority=priority)


def _rollout(feature_type: FeatureType, share: ServedShare) -> Rollout:
    enabled, value = _seen(feature_type, share.value)
    if value is None:
        return Rollout(percent=share.percent, enabled=enabled)
    return Rollout(percent=share.percent, enabled=enabled, value=value)
