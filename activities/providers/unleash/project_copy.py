"""A project of Unleash as segments and flags of Flaghoist, with a remark on everything that can't be expressed."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from activities.providers.copies import CopiedFeature, CopiedSegment, ProjectCopy, unique_key
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.constraints import NotExpressible, rules_of
from activities.providers.unleash.documents import Feature, Payload, Segment
from activities.providers.unleash.strategies import Read, Serving, read
from domain.flags.flag import FeatureType, Value
from domain.flags.segment import Rules


def copy_project(api: UnleashAdminApi, project: str, environments: Mapping[str, str]) -> ProjectCopy:
    """Read a project. `environments` maps those of Unleash to ours; others are not read. Raises a ProviderError."""
    segments = {each.id: each for each in api.segments() if each.project in (None, "", project)}
    features = [api.feature(project, each.name) for each in api.features(project)]
    return _Copier(segments, environments).copied(features)


class _Copier:
    """Copies features, and collects the segments that they use."""

    def __init__(self, segments: Mapping[int, Segment], environments: Mapping[str, str]) -> None:
        self._theirs, self._environments = segments, environments
        self._segments: dict[str, CopiedSegment] = {}
        self._keys: dict[int, str] = {}
        self._remarks: list[str] = []

    def copied(self, features: Iterable[Feature]) -> ProjectCopy:
        for each in self._theirs.values():
            self._copy_segment(each)
        found: dict[str, CopiedFeature] = {}
        for feature in features:
            key = unique_key(feature.name, found)
            found[key] = self._feature(key, feature)
        return ProjectCopy(tuple(self._segments.values()), tuple(found.values()), tuple(self._remarks))

    def _copy_segment(self, segment: Segment) -> None:
        try:
            self._keys[segment.id] = self._add_segment(
                unique_key(segment.name, self._segments), segment.name, rules_of(segment.constraints)
            )
        except NotExpressible as reason:
            self._remarks.append(f"The segment '{segment.name}' was not copied, because {reason}.")

    def _add_segment(self, key: str, name: str, rules: Rules) -> str:
        self._segments[key] = CopiedSegment(key, name[:120], rules)
        return key

    def _feature(self, key: str, feature: Feature) -> CopiedFeature:
        states = {ours: read(found, self._theirs) for theirs, ours in self._environments.items() if (found := feature.environment(theirs))}
        kind = _type_of(serving.payload for state in states.values() for serving in state.servings)
        flags = {environment: self._patch(key, kind, state) for environment, state in states.items()}
        remarks = [f"Its key is '{key}': keys are lower-case."] if key != feature.name else []
        remarks += [f"It depends on '{each.feature}' in Unleash, which has no counterpart." for each in feature.dependencies]
        remarks += [f"{environment}: {remark}" for environment, state in states.items() for remark in state.remarks]
        return CopiedFeature(key, feature.name[:120], (feature.description or "")[:2_000], kind, flags, tuple(remarks))

    def _patch(self, feature: str, kind: FeatureType, state: Read) -> dict[str, Any]:
        """Return the patch of a flag. A toggle has no values, so its overrides inherit none."""
        patch: dict[str, Any] = {"enabled": False} | ({} if kind is FeatureType.TOGGLE else {"value": None})
        overrides: dict[str, dict[str, Any]] = {}
        for serving in state.servings:
            fields = {"enabled": True} | ({} if kind is FeatureType.TOGGLE else {"value": _value_of(serving.payload, kind)})
            if serving.audience.is_everyone:
                patch |= fields
            elif serving.audience.percent is not None:
                patch["rollout"] = {"percent": serving.audience.percent} | fields
            else:
                overrides.setdefault(self._segment_of(feature, serving), fields | {"priority": len(overrides)})
        return patch | ({"overrides": overrides} if overrides else {})

    def _segment_of(self, feature: str, serving: Serving) -> str:
        """Return the key of the segment that a strategy serves. One with rules of its own gets a segment for these."""
        if serving.audience.segment is not None:
            return self._keys[serving.audience.segment]
        same = [each.key for each in self._segments.values() if each.rules == serving.audience.rules]
        return same[0] if same else self._add_segment(unique_key(feature, self._segments), feature, serving.audience.rules)


def _type_of(payloads: Iterable[Payload | None]) -> FeatureType:
    """Return the type for the values of a feature in all environments."""
    found = [each for each in payloads if each]
    if not found:
        return FeatureType.TOGGLE
    return FeatureType.INTEGER if all(_is_integer(each) for each in found) else FeatureType.STRING


def _is_integer(payload: Payload) -> bool:
    return payload.type == "number" and bool(re.fullmatch(r"0|-?[1-9][0-9]{0,14}", payload.value))


def _value_of(payload: Payload | None, kind: FeatureType) -> Value:
    if payload is None:
        return None
    return int(payload.value) if kind is FeatureType.INTEGER else payload.value
