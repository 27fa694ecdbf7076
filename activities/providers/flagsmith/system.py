"""A project of Flagsmith as a flag system."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from activities.providers.errors import ProviderError, ProviderRejected, ProviderUnauthorized, ProviderUnavailable
from activities.providers.flag_system import Finding, Origin, SegmentKeys, SystemFeature, SystemFlag, SystemSegment
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.documents import Environment, Feature, Segment
from activities.providers.flagsmith.flag_state import FeatureInEnvironment, SegmentOverride, flag_in, state_of, type_of_feature
from activities.providers.flagsmith.reading import read_feature
from activities.providers.flagsmith.rollout import RolloutSegments
from activities.providers.flagsmith.writes import ROLLOUT, Writes
from domain.errors import EnvironmentNotFound, FeatureNotFound, KeptByOthers, SegmentNotFound
from domain.flags.change import plan_change
from domain.flags.flag import FlagState, Rollout
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variants
from domain.text import did_you_mean

READERS = 4
"""The most environments that one call reads at the same time."""

ORDER_ATTEMPTS = 4
"""Attempts to bring overrides into an order."""

BAD_REQUEST = 400


class FlagsmithProject:
    """One project of Flagsmith, through its Admin API. `project` is its id or its name."""

    def __init__(self, api: FlagsmithAdminApi, project: str) -> None:
        self._api, self._project = api, project
        self._id: int | None = None

    def check(self, environments: Iterable[str]) -> Iterator[Finding]:
        """Yield what works and everything that is missing. Flagsmith does not say which rights a key has."""
        try:
            projects = self._api.projects()
        except ProviderUnauthorized as error:
            message = f"The key is refused: {error} Use an API key of the organisation, from its settings in Flagsmith."
            yield Finding(False, message, "credential")
            return
        except ProviderError as error:
            yield Finding(False, f"Flagsmith does not answer there: {error} Check the address, and that Flagsmith is running.")
            return
        yield Finding(True, "Flagsmith answers at this address.")
        yield Finding(True, "Flagsmith knows the key.", "credential")
        named = [each for each in projects if self._project in (str(each.id), each.name)]
        if len(named) != 1:
            yield Finding(False, _unclear(self._project, [each.name for each in projects], len(named)), "project")
            return
        yield Finding(True, f"The key can see the project '{named[0].name}'.", "project")
        listed = self._api.environments(named[0].id)
        for name in environments:
            yield _environment_finding(name, listed)

    def environments(self) -> list[str]:
        """Return the names of the project's environments."""
        return list(self._environments())

    def features(self) -> list[SystemFeature]:
        """Return the features that are not archived. Their types come from the values that they have in the environments."""
        found: dict[int, Feature] = {}
        values: dict[int, dict[str, str | int | bool | None]] = {}
        for environment in self._environments().values():
            for feature in self._api.features(self._project_id(), environment=environment.id):
                found[feature.id] = feature
                state = feature.environment_feature_state
                values.setdefault(feature.id, {})[environment.name] = state.feature_state_value if state else None
        return [
            SystemFeature(each.name, each.description or "", type_of_feature(each, values[each.id]))
            for each in found.values()
            if not each.is_archived
        ]

    def segments(self) -> list[SystemSegment]:
        """Return the project's segments, without those of single features."""
        return [
            SystemSegment(str(each.id), each.name, _digest(each)) for each in self._api.segments(self._project_id()) if not each.feature
        ]

    def flags(self, feature: str, segments: SegmentKeys, variants: Variants = ()) -> Mapping[str, SystemFlag]:  # noqa: ARG002 (they are in the flags)
        """Return environment -> flag. Raises FeatureNotFound."""
        found, environments = self._feature(feature), self._environments()
        with ThreadPoolExecutor(READERS) as readers:
            read = readers.map(lambda each: self._read(found, each), environments.values())
            return {each.environment.name: flag_in(each, segments) for each in read}

    def apply(
        self,
        feature: str,
        environment: str,
        patch: FlagPatch,
        segments: SegmentKeys,
        origin: Origin | None = None,  # noqa: ARG002 (it keeps no reasons)
        variants: Variants = (),  # noqa: ARG002 (it has none)
    ) -> None:
        """Change the named fields. A flag that has this state already is not written.

        Raises FeatureNotFound, EnvironmentNotFound, SegmentNotFound, KeptByOthers or Invalid.
        """
        if unknown := [key for key, override in patch.segments.items() if override is not None and key not in segments]:
            raise SegmentNotFound(f"There is no segment '{unknown[0]}' in Flagsmith.{did_you_mean(unknown[0], segments)}")
        place = self._environment(environment)
        found = self._read(self._feature(feature), place)
        now = state_of(found, segments)
        target = plan_change(patch, now, overrides_follow=False).state
        rollouts = RolloutSegments(self._api, found.feature, place)
        if target == now and len(found.rollouts) <= 1:
            if not found.rollouts:
                rollouts.delete_all()
            return
        writes = Writes(found, found.ours(segments), now, target)
        _check_order(target, now, found.others(segments))
        with _share_changed(rollouts, found, target.rollout) as of_rollout:
            references = {**segments, **of_rollout}
            if not writes.changes_states:
                return
            if place.use_v2_feature_versioning:
                self._api.publish_version(place.id, found.feature.id, writes.version(references))
            else:
                self._write(found, writes, references)

    def close(self) -> None:
        """Close the client."""
        self._api.close()

    def _write(self, found: FeatureInEnvironment, writes: Writes, segments: SegmentKeys) -> None:
        """Make one call for each state, or two if it is enabled with another value.

        New overrides come before the default and removals after it, so nobody gets a state in between.
        """
        place = {"feature": found.feature.id, "environment": found.environment.id}
        ours = writes.present
        for key in writes.created:
            self._api.create_override(found.environment.api_key, found.feature.id, writes.created_document(key, segments[key]))
        for key in writes.changed:
            placed = ours[key].placed
            for document in writes.changed_steps(key):
                self._api.update_state(ours[key].state.id, document | place | {"feature_segment": placed.id})
        for document in writes.default_steps() if writes.changes_default else ():
            self._api.update_state(found.default.id, document | place)
        for removed in writes.removed:
            self._api.delete_override(removed.placed.id)
        if writes.changes_order:
            self._restore_order(found, writes.priorities(segments))

    def _restore_order(self, found: FeatureInEnvironment, wanted: Mapping[int, int]) -> None:
        """Give each override its priority, the highest first: Flagsmith moves others along when one is moved, created or deleted."""
        for _ in range(ORDER_ATTEMPTS):
            placed = self._api.feature_segments(found.environment.id, found.feature.id)
            misplaced = [each for each in placed if wanted.get(each.segment, each.priority) != each.priority]
            if not misplaced:
                return
            for each in sorted(misplaced, key=lambda each: wanted[each.segment], reverse=True):
                self._api.set_priority(each.id, wanted[each.segment])
        raise ProviderUnavailable(f"The overrides of '{found.feature.name}' in '{found.environment.name}' did not keep their order.")

    def _read(self, feature: Feature, environment: Environment) -> FeatureInEnvironment:
        try:
            found = read_feature(self._api, feature, environment)
        except ProviderRejected as rejected:
            raise (_unknown_feature(feature.name, self._project) if rejected.status == BAD_REQUEST else rejected) from None
        if found is None:
            raise _unknown_feature(feature.name, self._project)
        return found

    def _feature(self, name: str) -> Feature:
        for each in self._api.features(self._project_id(), search=name):
            if each.name == name and not each.is_archived:
                return each
        raise _unknown_feature(name, self._project)

    def _environment(self, name: str) -> Environment:
        environments = self._environments()
        if name not in environments:
            hint = did_you_mean(name, environments)
            raise EnvironmentNotFound(f"There is no environment '{name}' in the project '{self._project}' of Flagsmith.{hint}")
        place = environments[name]
        if place.minimum_change_request_approvals is not None:
            raise KeptByOthers(_needs_requests(name))
        return place

    def _environments(self) -> dict[str, Environment]:
        return {each.name: each for each in self._api.environments(self._project_id())}

    def _project_id(self) -> int:
        """Return the project's id, which never changes."""
        if self._id is None:
            projects = self._api.projects()
            named = [each for each in projects if self._project in (str(each.id), each.name)]
            if len(named) != 1:
                raise ProviderUnauthorized(_unclear(self._project, [each.name for each in projects], len(named)))
            self._id = named[0].id
        return self._id


@contextmanager
def _share_changed(segments: RolloutSegments, found: FeatureInEnvironment, wanted: Rollout | None) -> Iterator[SegmentKeys]:
    """Bring the share of a rollout to the wanted one around the block, which changes the states. Yield the rollout's segment under its key.

    A new segment comes before its override, and is deleted after it. A share shrinks before the states change and grows after that.
    So each identity has the state of before or of after.
    """
    present = [each.placed.segment for each in found.rollouts]
    if wanted is None:
        yield {}
        gone = present
    elif not present:
        yield {ROLLOUT: str(segments.prepare(wanted.percent))}
        gone = []
    else:
        first, share = present[0], found.shares[present[0]]
        if wanted.percent < share:
            segments.resize(first, wanted.percent)
        yield {ROLLOUT: str(first)}
        if wanted.percent > share:
            segments.resize(first, wanted.percent)
        gone = present[1:]
    for segment in gone:
        segments.delete(segment)


def _environment_finding(name: str, listed: Iterable[Environment]) -> Finding:
    found = {each.name: each for each in listed}
    times = Counter(each.name for each in listed)[name]
    if times == 0:
        return Finding(False, f"There is no environment '{name}' in the project. It has: {', '.join(found)}.", "environments", name)
    if times > 1:
        return Finding(
            False, f"The project has {times} environments named '{name}'. Rename all but one in Flagsmith.", "environments", name
        )
    if found[name].minimum_change_request_approvals is not None:
        return Finding(False, _needs_requests(name), "environments", name)
    return Finding(True, f"The key can see the environment '{name}'.", "environments", name)


def _needs_requests(environment: str) -> str:
    return f"Changes in '{environment}' need a change request in Flagsmith, which a stage can't replace. Switch them off there."


def _unclear(project: str, known: Iterable[str], times: int) -> str:
    if times:
        return f"There are {times} projects '{project}' in Flagsmith. Use the id instead of the name."
    return f"There is no project '{project}' in Flagsmith that the key can see.{did_you_mean(project, known)}"


def _check_order(target: FlagState, now: FlagState, others: Iterable[SegmentOverride]) -> None:
    """Raise KeptByOthers if an override would take the priority of one that is left alone: Flagsmith would move that one."""
    taken = {each.placed.priority: each.placed.segment_name for each in others}
    for key, override in target.overrides.items():
        if override.priority in taken and now.overrides.get(key) != override:
            raise KeptByOthers(
                f"The override for '{key}' would have the priority {override.priority}, as the one for '{taken[override.priority]}'. "
                "Give it another priority in the stage, or change that one in Flagsmith."
            )


def _unknown_feature(name: str, project: str) -> FeatureNotFound:
    return FeatureNotFound(f"There is no feature '{name}' in the project '{project}' of Flagsmith, or it is archived.")


def _digest(segment: Segment) -> str:
    return hashlib.sha256(json.dumps(_without_ids(segment.rules), sort_keys=True).encode()).hexdigest()


def _without_ids(rules: Any) -> Any:
    """Return rules without the ids of their parts, which change when a segment is saved."""
    if isinstance(rules, list):
        return [_without_ids(each) for each in rules]
    if isinstance(rules, dict):
        return {name: _without_ids(each) for name, each in rules.items() if name != "id"}
    return rules
