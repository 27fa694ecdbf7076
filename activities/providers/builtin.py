"""The built-in provider: flags in our own store, changed within the caller's transaction."""

from datetime import datetime
from typing import NamedTuple

from activities.store.database import Store
from domain.flags.change import PlannedChange, plan_change
from domain.flags.flag import FlagState, check_value
from domain.flags.patch import FlagPatch, OverridePatch
from domain.flags.project import Environment, Feature, Project


class _Place(NamedTuple):
    feature: Feature
    environment: Environment


class BuiltinProvider:
    """Flags of one project in our own store."""

    def __init__(self, store: Store, project: Project) -> None:
        self.store = store
        self.project = project
        self._places: dict[tuple[str, str], _Place] = {}
        self._states: dict[tuple[str, str], FlagState] = {}

    def read(self, feature: str, environment: str) -> FlagState:
        """The flag as it is now, locked until the transaction ends. Raises NotFound."""
        if (feature, environment) not in self._states:
            place = self._place(feature, environment)
            self._states[feature, environment] = self.store.features.state(place.feature, place.environment)
        return self._states[feature, environment]

    def patch(self, feature: str, environment: str, patch: FlagPatch, at: datetime) -> PlannedChange:
        """Change the named fields, all or nothing. Raises NotFound or Invalid."""
        place = self._place(feature, environment)
        self._check_segments(patch)
        _check_values(place.feature, patch)
        decided = plan_change(patch, self.read(feature, environment))
        if decided.changes_anything:
            self.store.features.write_state(place.feature, place.environment, decided.state, at)
            self._states[feature, environment] = decided.state
        return decided

    def _place(self, feature: str, environment: str) -> _Place:
        if (feature, environment) not in self._places:
            found = self.store.features.get(feature, self.project.id, lock="update")
            self._places[feature, environment] = _Place(found, self.store.environments.get(environment, self.project.id))
        return self._places[feature, environment]

    def _check_segments(self, patch: FlagPatch) -> None:
        for segment, override in patch.segments.items():
            if override is not None:
                self.store.segments.get(segment, self.project.id)


def _check_values(feature: Feature, patch: FlagPatch) -> None:
    if "value" in patch.named:
        check_value(feature.type, patch.value)
    if patch.rollout and "value" in patch.rollout.named:
        check_value(feature.type, patch.rollout.value, "The value of the rollout", "/rollout/value")
    for segment, override in patch.segments.items():
        if isinstance(override, OverridePatch) and "value" in override.named:
            check_value(feature.type, override.value, f"The value for '{segment}'", f"/overrides/{segment}/value")
