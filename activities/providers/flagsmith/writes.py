"""The changes that bring a feature from one state to another, as Flagsmith's documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from activities.providers.flagsmith.documents import FeatureState, StateValue
from activities.providers.flagsmith.flag_state import FeatureInEnvironment, SegmentOverride
from domain.errors import Invalid, KeptByOthers
from domain.flags.flag import FlagState, Override, Value

LARGEST_INTEGER = 2**31 - 1
"""The largest integer that Flagsmith stores. The smallest is one below its negative."""


class Writes:
    """The writes for one feature in one environment: from the state that was read to the state that is wanted."""

    def __init__(self, found: FeatureInEnvironment, ours: Mapping[str, SegmentOverride], now: FlagState, target: FlagState) -> None:
        """Raise Invalid if Flagsmith can't store the target, or KeptByOthers if something of others is in the way."""
        self._found, self._ours, self._now, self._target = found, ours, now, target
        for value in _values(target):
            _check_storable(value)
        if found.feature.multivariate_options and (now.value, now.overrides) != (target.value, target.overrides):
            raise KeptByOthers(
                f"The feature '{found.feature.name}' has variants in Flagsmith. A stage can only enable or disable it for everyone."
            )

    @property
    def changes_default(self) -> bool:
        """True if the state for everyone changes."""
        return (self._now.enabled, self._now.value) != (self._target.enabled, self._target.value)

    @property
    def removed(self) -> list[SegmentOverride]:
        """The overrides to delete."""
        return [self._ours[key] for key in self._now.overrides if key not in self._target.overrides]

    @property
    def created(self) -> dict[str, Override]:
        """Segment key -> the override to create."""
        return {key: each for key, each in self._target.overrides.items() if key not in self._now.overrides}

    @property
    def changed(self) -> dict[str, Override]:
        """Segment key -> the override to change, also if only its priority changes."""
        return {key: each for key, each in self._target.overrides.items() if self._now.overrides.get(key, each) != each}

    @property
    def changes_order(self) -> bool:
        """True if an override is created, deleted or moved."""
        moved = (self._now.overrides[key].priority != each.priority for key, each in self.changed.items())
        return bool(self.removed or self.created) or any(moved)

    def priorities(self, references: Mapping[str, str]) -> dict[int, int]:
        """Return segment -> priority for all overrides that there are in the end, also those of others."""
        priorities = {each.placed.segment: each.placed.priority for each in self._found.overrides}
        return priorities | {int(references[key]): each.priority for key, each in self._target.overrides.items()}

    def default_document(self) -> dict[str, Any]:
        """Return the state for everyone."""
        return self._document(self._found.default, self._now.value, self._target.enabled, self._target.value)

    def changed_document(self, key: str) -> dict[str, Any]:
        """Return the state for a segment that has an override."""
        before, after = self._now.overrides[key], self._target.overrides[key]
        return self._document(self._ours[key].state, before.value, bool(after.enabled), after.value)

    def default_steps(self) -> list[dict[str, Any]]:
        """Return the states for everyone to write one after the other in an environment without versions."""
        enables = self._target.enabled and not self._now.enabled
        return _steps(self.default_document(), enables=enables and self._target.value != self._now.value)

    def changed_steps(self, key: str) -> list[dict[str, Any]]:
        """Return the states for a segment to write one after the other in an environment without versions."""
        before, after = self._now.overrides[key], self._target.overrides[key]
        return _steps(self.changed_document(key), enables=bool(after.enabled) and not before.enabled and before.value != after.value)

    def created_document(self, key: str, reference: str) -> dict[str, Any]:
        """Return the state for a segment that has no override yet, with its place in the order."""
        override = self._target.overrides[key]
        placed = {"feature_segment": {"segment": int(reference), "priority": override.priority}}
        return {"enabled": bool(override.enabled), "feature_state_value": _stored(override.value)} | placed

    def version(self, references: Mapping[str, str]) -> dict[str, Any]:
        """Return a version with all changes."""
        default = [{**self.default_document(), "feature_segment": None}] if self.changes_default else []
        changed = [
            {**self.changed_document(key), "feature_segment": {"segment": int(references[key]), "priority": each.priority}}
            for key, each in self.changed.items()
        ]
        return {
            "feature_states_to_update": [*default, *changed],
            "feature_states_to_create": [self.created_document(key, references[key]) for key in self.created],
            "segment_ids_to_delete_overrides": [each.placed.segment for each in self.removed],
        }

    def _document(self, state: FeatureState, before: Value, enabled: bool, value: Value) -> dict[str, Any]:
        """Return a state. A value that does not change is written as it was read."""
        stored = state.feature_state_value.model_dump() if value == before and type(value) is type(before) else _stored(value)
        return {"enabled": enabled, "feature_state_value": stored}


def _steps(document: dict[str, Any], *, enables: bool) -> list[dict[str, Any]]:
    """Return the new value first and then the state, if that enables it: one call stores *enabled* before the value."""
    return [{**document, "enabled": False}, document] if enables else [document]


def _values(state: FlagState) -> Iterator[Value]:
    yield state.value
    yield from (each.value for each in state.overrides.values())


def _stored(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return StateValue(type="bool", boolean_value=value).model_dump()
    if isinstance(value, int):
        return StateValue(type="int", integer_value=value).model_dump()
    return StateValue(string_value=value).model_dump()


def _check_storable(value: Value) -> None:
    if isinstance(value, str) and value != value.strip():
        raise Invalid("Flagsmith removes spaces and line breaks at the start and the end of a value. Leave them out.")
    if isinstance(value, int) and not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
        raise Invalid(f"Flagsmith stores integers from {-LARGEST_INTEGER - 1} to {LARGEST_INTEGER}. Use a string for larger ones.")
