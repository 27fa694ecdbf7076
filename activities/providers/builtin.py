"""The built-in provider: flags in our own store, changed within the caller's transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime

from activities.providers.provider import FlagPlace
from activities.store.database import Store
from activities.store.paging import Slice
from domain.errors import VariantNotFound
from domain.flags.change import PlannedChange, plan_change
from domain.flags.flag import FlagState, check_value
from domain.flags.patch import FlagPatch, OverridePatch
from domain.flags.project import Environment, Feature, Project, Segment, check_keeps_flags
from domain.flags.variant import unknown_variants


class BuiltinProvider:
    """Flags of one project in our own store. An instance serves one transaction."""

    def __init__(self, store: Store, project: Project) -> None:
        self.store = store
        self.project = project
        self._features: dict[str, Feature] = {}
        self._locked: dict[str, Feature] = {}
        self._environments: dict[str, Environment] = {}
        self._states: dict[FlagPlace, FlagState] = {}

    def read(self, feature: str, environment: str) -> FlagState:
        """Return the flag's state, with the feature's row locked until the transaction ends."""
        place = FlagPlace(feature, environment)
        if place not in self._states:
            self._states[place] = self._read_locked(place)
        return self._states[place]

    def plan(self, feature: str, environment: str, patch: FlagPatch) -> PlannedChange:
        """Return what `patch` would do."""
        now = self.read(feature, environment)
        locked = self._lock(feature)
        self._check_segments(patch)
        _check_variants(locked, patch)
        _check_values(locked, patch)
        return plan_change(patch, now, overrides_follow=self.project.provider.overrides_follow)

    def patch(self, feature: str, environment: str, patch: FlagPatch, at: datetime) -> PlannedChange:
        """Change the named fields, all or nothing."""
        check_keeps_flags(self.project)
        planned = self.plan(feature, environment, patch)
        if planned.changes_anything:
            self.store.features.write_state(self._lock(feature), self._environment(environment), planned.state, at)
            self._states[FlagPlace(feature, environment)] = planned.state
        return planned

    def look(self, feature: str, environment: str) -> FlagState:
        """Return the flag's state, without a lock."""
        return self.store.features.state(self._feature(feature), self._environment(environment))

    def look_all(self, features: Collection[str]) -> Mapping[str, Mapping[str, FlagState]]:
        """Return the state of each feature in every environment, the environments in order of creation."""
        if not features:
            return {}
        found = self.store.features.page(Slice(limit=len(features)), self.project.id, list(features)).items
        states = self.store.features.states(found, self.project.id)
        return {each.key: states[each.id] for each in found}

    def environments(self) -> frozenset[str]:
        """Return the project's environments."""
        return frozenset(each.key for each in self.store.environments.all(self.project.id))

    def segments(self) -> frozenset[str]:
        """Return the project's segments."""
        return frozenset(each.key for each in self.store.segments.all(self.project.id))

    def definitions_of(self, segments: Collection[str]) -> Mapping[str, Segment]:
        """Return the definitions of those segments, without a lock."""
        if not segments:
            return {}
        found = self.store.segments.page(Slice(limit=len(segments)), self.project.id, list(segments)).items
        return {each.key: each for each in found}

    def overridden_for(self, segment: str) -> list[FlagPlace]:
        """Return every flag with an override for the segment."""
        return [FlagPlace(*each) for each in self.store.features.overridden_for(self.project.id, segment)]

    def _read_locked(self, place: FlagPlace) -> FlagState:
        """Read a flag with one statement, after the one that locks it where the database locks rows."""
        if self.store.locks_rows:
            self._lock(place.feature)
        if found := self.store.features.find_placed(self.project.id, *place):
            self._locked[place.feature], self._environments[place.environment], state = found
            return state
        return self.store.features.state(self._lock(place.feature), self._environment(place.environment))

    def _lock(self, key: str) -> Feature:
        if key not in self._locked:
            self._locked[key] = self.store.features.get(key, self.project.id, lock="update")
        return self._locked[key]

    def _feature(self, key: str) -> Feature:
        if key not in self._features:
            self._features[key] = self._locked.get(key) or self.store.features.get(key, self.project.id)
        return self._features[key]

    def _environment(self, key: str) -> Environment:
        if key not in self._environments:
            self._environments[key] = self.store.environments.get(key, self.project.id)
        return self._environments[key]

    def _check_segments(self, patch: FlagPatch) -> None:
        for segment, override in patch.segments.items():
            if override is not None:
                self.store.segments.get(segment, self.project.id)


def _check_variants(feature: Feature, patch: FlagPatch) -> None:
    if problems := tuple(unknown_variants(patch.allocations, feature.variants)):
        raise VariantNotFound(problems[0].message, problems=problems)


def _check_values(feature: Feature, patch: FlagPatch) -> None:
    if "value" in patch.named:
        check_value(feature.type, patch.value)
    if patch.rollout and "value" in patch.rollout.named:
        check_value(feature.type, patch.rollout.value, "The value of the rollout", "/rollout/value")
    for segment, override in patch.segments.items():
        if isinstance(override, OverridePatch) and "value" in override.named:
            check_value(feature.type, override.value, f"The value for '{segment}'", f"/overrides/{segment}/value")
