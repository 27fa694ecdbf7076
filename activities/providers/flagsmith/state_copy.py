"""The state of a feature of Flagsmith in one environment, as a patch of a flag, with a remark on what can't be copied."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from activities.providers.flagsmith.documents import Feature, FeatureState, StateInList, VariantShare
from activities.providers.flagsmith.flag_state import FeatureInEnvironment, value_in
from activities.providers.flagsmith.variant_copy import VariantCopy
from domain.flags.flag import LAST_PRIORITY, LONGEST_STRING, MOST_OVERRIDES, FeatureType, Value, type_of

Stored = str | int | bool | None
"""A value as Flagsmith has it. It may be longer or larger than one may be here."""


class State(NamedTuple):
    """A state: for everyone, or for a segment. `shares` of the identities get a variant instead of the value."""

    enabled: bool
    value: Stored
    shares: Sequence[VariantShare] = ()


class SegmentState(NamedTuple):
    """A state for a segment, which is named by its id in Flagsmith."""

    segment: int
    name: str
    priority: int
    state: State


class StateThere(NamedTuple):
    """All states of a feature in one environment. Those of segments come by priority."""

    default: State
    overrides: tuple[SegmentState, ...] = ()
    identities: int = 0

    def values(self) -> Iterator[Stored]:
        """Yield the values that it serves."""
        yield self.default.value
        yield from (each.state.value for each in self.overrides)


def state_in_list(feature: Feature, state: StateInList) -> StateThere:
    """Return the state of a feature without variants and overrides, as the list of features has it."""
    return StateThere(State(state.enabled, state.feature_state_value), (), feature.num_identity_overrides or 0)


def state_there(found: FeatureInEnvironment) -> StateThere:
    """Return the state of a feature that was read in full."""
    overrides = (
        SegmentState(each.placed.segment, each.placed.segment_name, each.placed.priority, _state(each.state)) for each in found.overrides
    )
    return StateThere(_state(found.default), tuple(overrides), found.identities)


class StateCopy:
    """Copies states of one feature, and collects remarks."""

    def __init__(self, kind: FeatureType, segments: Mapping[int, str], variants: VariantCopy) -> None:
        self._kind, self._segments, self._variants = kind, segments, variants
        self.remarks: list[str] = []

    def patch(self, environment: str, there: StateThere) -> dict[str, Any]:
        """Return the patch that gives a flag this state."""
        self._environment = environment
        overrides: dict[str, Any] = {}
        priority = -1
        for each in there.overrides:
            if each.segment not in self._segments:
                self._remark(f"The override for '{each.name}' was not copied, because that segment was not.")
            elif len(overrides) == MOST_OVERRIDES:
                self._remark(f"The override for '{each.name}' was not copied, because a flag has at most {MOST_OVERRIDES}.")
            else:
                priority = min(max(each.priority, priority + 1), LAST_PRIORITY)
                overrides[self._segments[each.segment]] = self._fields(each.state, f" for '{each.name}'") | {"priority": priority}
        if there.identities:
            who = (
                "1 identity has a state of its own" if there.identities == 1 else f"{there.identities} identities have a state of their own"
            )
            self._remark(f"{who}, which was not copied.")
        return self._fields(there.default, "") | ({"overrides": overrides} if overrides else {})

    def _fields(self, state: State, audience: str) -> dict[str, Any]:
        """Return the fields of a state. A toggle has no values, so its overrides inherit none."""
        fields: dict[str, Any] = {"enabled": state.enabled}
        if self._kind is not FeatureType.TOGGLE:
            fields["value"] = self._value(state.value, audience)
        if self._variants.variants:
            fields["allocation"], exact = self._variants.allocation(state.shares)
            if not exact:
                self._remark(f"The shares of the variants{audience} were cut to two decimals, or left out with their variants.")
        return fields

    def _value(self, stored: Stored, audience: str) -> Value:
        value = value_in(stored)
        if value != stored:
            self._remark(f"The value{audience} was not copied, because it is longer than {LONGEST_STRING} characters.")
            return None
        if value is not None and type_of(value) is not self._kind:
            self._remark(f"The value {value!r}{audience} was not copied, because the feature has the type {self._kind}.")
            return None
        return value

    def _remark(self, sentence: str) -> None:
        self.remarks.append(f"{self._environment}: {sentence}")


def _state(state: FeatureState) -> State:
    return State(state.enabled, state.feature_state_value.value, state.multivariate_feature_state_values)
