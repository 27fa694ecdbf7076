"""Writes what was copied from another flag system through the API, as changes by hand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from api.cli.lazy import LazyModule
from api.client import ApiClient, Refused, path_of

if TYPE_CHECKING:
    import pydantic

    from activities.providers.copies import CopiedFeature, CopiedSegment, ProjectCopy
    from domain.flags import segment
else:
    pydantic, segment = map(LazyModule, ("pydantic", "domain.flags.segment"))


class Words(NamedTuple):
    """The words of a report for what happens to a segment or a feature."""

    created: str
    updated: str
    kept: str = "left alone"


PLANNED, DONE = Words("create", "update"), Words("created", "updated")
FAILED = "failed"


class Importer:
    """One import. It only adds: what exists is left alone, or with `update` changed where it differs."""

    def __init__(self, client: ApiClient, project: str, copy: "ProjectCopy", *, update: bool) -> None:
        self._client, self._project, self._copy, self._update = client, project, copy, update
        self._existing = {each["key"]: each for each in client.items(path_of("projects", project, "features"))}
        self._segments = {each.key: self._place(each) for each in copy.segments}
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
                    "flags": {environment: self._patch(patch) for environment, patch in each.flags.items()},
                    "result": self._result(each, words),
                    "remarks": list(each.remarks),
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

    def _write(self, feature: "CopiedFeature") -> None:
        try:
            if feature.key not in self._existing:
                body = {"key": feature.key, "name": feature.name, "description": feature.description, "type": feature.type.value}
                self._client.post(path_of("projects", self._project, "features"), body)
            for environment, patch in feature.flags.items():
                path = path_of("projects", self._project, "environments", environment, "features", feature.key)
                self._client.patch(path, self._patch(patch))
        except Refused as refused:
            self._errors[feature.key] = refused.detail

    def _patch(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the patch with the keys that the segments have here."""
        overrides = {self._segments[key].key: override for key, override in patch.get("overrides", {}).items()}
        return {**patch, **({"overrides": overrides} if overrides else {})}

    def _place(self, copied: "CopiedSegment") -> "_Place":
        """Return the key of a segment here. If another segment has its key, a number makes it unique."""
        number, key = 1, copied.key
        while True:
            try:
                found = self._client.get(path_of("projects", self._project, "segments", key))
            except Refused as refused:
                if refused.status != 404:
                    raise
                return _Place(key, exists=False)
            if pydantic.TypeAdapter(segment.Rules).validate_python(found["rules"]) == copied.rules:
                return _Place(key, exists=True)
            number += 1
            key = f"{copied.key[:60].rstrip('-_')}-{number}"

    def _result_of_segment(self, copied: "CopiedSegment", words: Words) -> str:
        return words.kept if self._segments[copied.key].exists else words.created

    def _result(self, feature: "CopiedFeature", words: Words) -> str:
        if feature.key in self._errors:
            return FAILED
        if feature.key not in self._existing:
            return words.created
        return words.updated if self._update else words.kept


class _Place(NamedTuple):
    """The key of a segment here, and whether it exists."""

    key: str
    exists: bool
