"""The changes that bring a feature from one state to another, as Flagsmith's documents."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from activities.providers.flagsmith.documents import FeatureState, StateValue
from activities.providers.flagsmith.flag_state import FeatureInEnvironment, SegmentOverride
from domain.errors import Invalid, KeptByOthers
from domain.flags.flag import LAST_PRIORITY, FlagState, Value

LARGEST_INTEGER = 2**31 - 1
"""The largest integer that Flagsmith stores. The smallest is one below its negative."""


ROLLOUT = "a rollout"
"""The key of a rollout's override among those of segments, which have no spaces in theirs."""

ROLLOUT_PRIORITY = LAST_PRIORITY + 1
"""The priority of a rollout's override: after those of all segments, because these win over a rollout."""


class Placed(NamedTuple):
    """The state for a segment, and its place in the order."""

    enabled: bool
    value: Value
    priority: int


class Writes:
    """The writes for one feature in one environment: from the state that was read to the state that is wanted."""

    def __init__(self, found: FeatureInEnvironment, ours: Mapping[str, SegmentOverride], now: FlagState, target: FlagState) -> None:
        """Raise Invalid if Flagsmith can't store the target, or KeptByOthers if something of others is in the way."""
        self._found, self._now, self._target = found, now, target
        self._ours = {**ours, **({ROLLOUT: found.rollouts[0]} if found.rollouts else {})}
        self._before, self._after = _placed(now), _placed(target)
        if ROLLOUT in self._before:
            self._before[ROLLOUT] = self._before[ROLLOUT]._replace(priority=found.rollouts[0].placed.priority)
        for value in _values(target):
            _check_storable(value)
        if found.feature.multivariate_options and (now.value, self._before) != (target.value, self._after):
            raise KeptByOthers(
                f"The feature '{found.feature.name}' has variants in Flagsmith. A stage can only enable or disable it for everyone."
            )

    @property
    def present(self) -> Mapping[str, SegmentOverride]:
        """Key -> the override that there is now."""
        return self._ours

    @property
    def changes_default(self) -> bool:
        """True if the state for everyone changes."""
        return (self._now.enabled, self._now.value) != (self._target.enabled, self._target.value)

    @property
    def removed(self) -> list[SegmentOverride]:
        """The overrides to delete, with those of rollouts that there should not be."""
        return [self._ours[key] for key in self._before if key not in self._after] + self._found.rollouts[1:]

    @property
    def created(self) -> dict[str, "Placed"]:
        """Key -> the override to create."""
        return {key: each for key, each in self._after.items() if key not in self._before}

    @property
    def changed(self) -> dict[str, "Placed"]:
        """Key -> the override to change, also if only its priority changes."""
        return {key: each for key, each in self._after.items() if self._before.get(key, each) != each}

    @property
    def changes_states(self) -> bool:
        """True if any state changes. The share of a rollout is none."""
        return bool(self.changes_default or self.removed or self.created or self.changed)

    @property
    def changes_order(self) -> bool:
        """True if an override is created, deleted or moved."""
        moved = (self._before[key].priority != each.priority for key, each in self.changed.items())
        return bool(self.removed or self.created) or any(moved)

    def priorities(self, references: Mapping[str, str]) -> dict[int, int]:
        """Return segment -> priority for all overrides that there are in the end, also those of others."""
        priorities = {each.placed.segment: each.placed.priority for each in self._found.overrides}
        return priorities | {int(references[key]): each.priority for key, each in self._after.items()}

    def default_document(self) -> dict[str, Any]:
        """Return the state for everyone."""
        return self._document(self._found.default, self._now.value, self._target.enabled, self._target.value)

    def changed_document(self, key: str) -> dict[str, Any]:
        """Return the state for a segment that has an override."""
        before, after = self._before[key], self._after[key]
        return self._document(self._ours[key].state, before.value, after.enabled, after.value)

    def default_steps(self) -> list[dict[str, Any]]:
        """Return the states for everyone to write one after the other in an environment without versions."""
        enables = self._target.enabled and not self._now.enabled
        return _steps(self.default_document(), enables=enables and self._target.value != self._now.value)

    def changed_steps(self, key: str) -> list[dict[str, Any]]:
        """Return the states for a segment to write one after the other in an environment without versions."""
        before, after = self._before[key], self._after[key]
        return _steps(self.changed_document(key), enables=after.enabled and not before.enabled and before.value != after.value)

    def created_document(self, key: str, reference: str) -> dict[str, Any]:
        """Return the state for a segment that has no override yet, with its place in the order."""
        override = self._after[key]
        placed = {"feature_segment": {"segment": int(reference), "priority": override.priority}}
        return {"enabled": override.enabled, "feature_state_value": _stored(override.value)} | placed

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


def _placed(state: FlagState) -> dict[str, Placed]:
    placed = {key: Placed(bool(each.enabled), each.value, each.priority) for key, each in state.overrides.items()}
    if state.rollout:
        placed[ROLLOUT] = Placed(*state.in_rollout(state.rollout), ROLLOUT_PRIORITY)
    return placed


def _values(state: FlagState) -> Iterator[Value]:
    yield state.value
    yield from (each.value for each in _placed(state).values())


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
