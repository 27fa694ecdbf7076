"""Actions: the parts of what a stage does to the flag, and how they fold into one patch."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.flag import Value
from domain.model import Frozen
from domain.patch import REMOVE, FlagPatch, OverridePatch
from domain.text import Slug

Overrides = Literal["keep", "remove"]


class ToggleFeature(Frozen):
    """Enable or disable the flag for everyone."""

    type: Literal["TOGGLE_FEATURE"]
    enabled: bool = Field(strict=True)
    overrides: Overrides = "keep"


class ToggleFeatureForSegment(Frozen):
    """Enable or disable the flag for one segment."""

    type: Literal["TOGGLE_FEATURE_FOR_SEGMENT"]
    segment: Slug
    enabled: bool = Field(strict=True)


class UpdateFeatureValue(Frozen):
    """Set the flag's value for everyone."""

    type: Literal["UPDATE_FEATURE_VALUE"]
    value: Value
    overrides: Overrides = "keep"


class UpdateFeatureValueForSegment(Frozen):
    """Set the flag's value for one segment."""

    type: Literal["UPDATE_FEATURE_VALUE_FOR_SEGMENT"]
    segment: Slug
    value: Value


ForEveryone = ToggleFeature | UpdateFeatureValue
ForSegment = ToggleFeatureForSegment | UpdateFeatureValueForSegment
Action = Annotated[ToggleFeature | ToggleFeatureForSegment | UpdateFeatureValue | UpdateFeatureValueForSegment, Field(discriminator="type")]


def named_field(action: Action) -> str:
    """The flag's field that the action sets, as a path: `enabled`, `overrides/beta/value`."""
    field = "enabled" if isinstance(action, ToggleFeature | ToggleFeatureForSegment) else "value"
    return f"overrides/{action.segment}/{field}" if isinstance(action, ForSegment) else field


def removes_overrides(action: Action) -> bool:
    """Whether the action takes all overrides away."""
    return isinstance(action, ForEveryone) and action.overrides == REMOVE


def fold(actions: Iterable[Action]) -> FlagPatch:
    """All actions of a stage as one patch. They must not contradict each other (publishing sees to it)."""
    plain: dict[str, Any] = {}
    segments: dict[str, dict[str, Any]] = {}
    removes = False
    for action in actions:
        target = segments.setdefault(action.segment, {}) if isinstance(action, ForSegment) else plain
        if isinstance(action, ToggleFeature | ToggleFeatureForSegment):
            target["enabled"] = action.enabled
        else:
            target["value"] = action.value
        removes = removes or removes_overrides(action)
    if removes:
        return FlagPatch(**plain, overrides=REMOVE)
    if segments:
        plain["overrides"] = {segment: OverridePatch(**fields) for segment, fields in segments.items()}
    return FlagPatch(**plain)


def patch_in_words(patch: FlagPatch) -> str:
    """What a patch does, as people say it: `enable for everyone, value "v2"`."""
    parts = [f"{words} for everyone" for words in _fields_in_words(patch)]
    if patch.removes_all_overrides:
        parts.append("remove all overrides")
    for segment, override in patch.segments.items():
        words = ["remove the override"] if override is None else _fields_in_words(override)
        parts += [f"{word} for {segment}" for word in words]
    return ", ".join(parts) or "nothing"


def _fields_in_words(patch: FlagPatch | OverridePatch) -> list[str]:
    words = []
    if "enabled" in patch.named:
        words.append("enable" if patch.enabled else "disable")
    if "value" in patch.named:
        words.append("set no value" if patch.value is None else f"set the value {_shortened(json.dumps(patch.value, ensure_ascii=False))}")
    if isinstance(patch, OverridePatch):
        words += [f"inherit {field}" for field in patch.inherits]
        words += [f"set the priority {patch.priority}"] if "priority" in patch.named else []
    return words


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
