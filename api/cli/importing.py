"""Writes what was copied from another flag system through the API, as changes by hand."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from api.cli.lazy import LazyModule
from api.client import ApiClient, Refused, path_of

if TYPE_CHECKING:
    import pydantic

    from activities.providers import copies
    from domain.flags import segment
else:
    pydantic, copies, segment = map(LazyModule, ("pydantic", "activities.providers.copies", "domain.flags.segment"))


class Words(NamedTuple):
    """The words of a report for what happens to a segment or a feature."""

    created: str
    updated: str
    kept: str = "left alone"


PLANNED, DONE = Words("create", "update"), Words("created", "updated")
FAILED = "failed"


class Importer:
    """One import. A feature that exists is left alone without `update`, and nothing is ever removed."""

    def __init__(self, client: ApiClient, project: str, copy: "copies.ProjectCopy", *, update: bool) -> None:
        self._client, self._project, self._copy, self._update = client, project, copy, update
        self._existing = {each["key"]: each for each in client.items(path_of("projects", project, "features"))}
        self._segments = self._places()
        self._errors: dict[str, str] = {}

    def report(self, words: Words) -> dict[str, Any]:
        """Return what will happen, or what has happened, to each segment and feature."""
        return {
            "segments": [
                {"key": self._segments[each.key].key, "name": each.name, "result": self._result_of_segment(each, words)}
                for each in self._copy.segments
            ],
            "features": [
                {
                    "key": each.key,
                    "type": each.type.value,
                    "variants": _variants(each),
                    "flags": {environment: self._patch(patch) for environment, patch in each.flags.items()},
                    "result": self._result(each, words),
                    "remarks": [*each.remarks, *self._remarks(each)],
                    "error": self._errors.get(each.key),
                }
                for each in self._copy.features
            ],
            "remarks": list(self._copy.remarks),
        }

    def write(self) -> None:
        """Create the segments, then the features. A feature that the API refuses does not keep the others from being written."""
        for each in self._copy.segments:
            place = self._segments[each.key]
            if not place.exists:
                rules = [rule.model_dump(mode="json") for rule in each.rules]
                self._client.post(path_of("projects", self._project, "segments"), {"key": place.key, "name": each.name, "rules": rules})
        for feature in self._copy.features:
            if feature.key not in self._existing or self._update:
                self._write(feature)

    def _write(self, feature: "copies.CopiedFeature") -> None:
        try:
            self._write_feature(feature)
            for environment, patch in feature.flags.items():
                path = path_of("projects", self._project, "environments", environment, "features", feature.key)
                self._client.patch(path, self._patch(patch))
        except Refused as refused:
            self._errors[feature.key] = refused.detail

    def _write_feature(self, feature: "copies.CopiedFeature") -> None:
        """Create the feature, or give it the variants that are new or have another value."""
        variants, existing = _variants(feature), self._existing.get(feature.key)
        if existing is None:
            body = {"key": feature.key, "name": feature.name, "description": feature.description, "type": feature.type.value}
            self._client.post(path_of("projects", self._project, "features"), body | ({"variants": variants} if variants else {}))
            return
        merged = {each["key"]: each for each in (*existing["variants"], *variants)}
        if list(merged.values()) != existing["variants"]:
            self._client.patch(path_of("projects", self._project, "features", feature.key), {"variants": list(merged.values())})

    def _remarks(self, feature: "copies.CopiedFeature") -> Iterator[str]:
        release = self._existing.get(feature.key, {}).get("release")
        if release and self._update:
            yield f"It is in release {release['id']}, which takes this for a change by hand."

    def _patch(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the patch with the keys that the segments have here."""
        overrides = {self._segments[key].key: override for key, override in patch.get("overrides", {}).items()}
        return {**patch, **({"overrides": overrides} if overrides else {})}

    def _places(self) -> dict[str, "_Place"]:
        """Return the key that each segment has here. If another segment has its key, a number makes it unique."""
        read = pydantic.TypeAdapter(segment.Rules).validate_python
        rules = {each["key"]: read(each["rules"]) for each in self._client.items(path_of("projects", self._project, "segments"))}
        places: dict[str, _Place] = {}
        for copied in self._copy.segments:
            taken = {key for key in rules if rules[key] != copied.rules} | {place.key for place in places.values()}
            key = copies.unique_key(copied.key, taken)
            places[copied.key] = _Place(key, exists=key in rules)
        return places

    def _result_of_segment(self, copied: "copies.CopiedSegment", words: Words) -> str:
        return words.kept if self._segments[copied.key].exists else words.created

    def _result(self, feature: "copies.CopiedFeature", words: Words) -> str:
        if feature.key in self._errors:
            return FAILED
        if feature.key not in self._existing:
            return words.created
        return words.updated if self._update else words.kept


def _variants(feature: "copies.CopiedFeature") -> list[dict[str, Any]]:
    return [{"key": each.key, "value": each.value} for each in feature.variants]


class _Place(NamedTuple):
    """The key of a segment here, and whether it exists."""

    key: str
    exists: bool
