"""The state of a flag in one environment: its default, allocation, overrides and rollout."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from domain.errors import Problem, ValueTypeWrong
from domain.flags.allocation import Allocation
from domain.model import Frozen, NamedFields
from domain.percentage import PartialPercentage
from domain.text import Slug

LARGEST_INTEGER = 2**53 - 1
"""The largest integer that every client can represent exactly."""

LONGEST_STRING = 20_000
MOST_OVERRIDES = 100
LAST_PRIORITY = 1_000_000


class FeatureType(StrEnum):
    """The type of a feature's values. It never changes."""

    TOGGLE = "toggle"
    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"


def _check_shape(value: Any) -> str | int | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return value
    if isinstance(value, str) and len(value) <= LONGEST_STRING and "\x00" not in value and not _has_surrogates(value):
        return value
    raise ValueError(
        f"must be a string of at most {LONGEST_STRING} characters, an integer within ±(2^53 - 1), true, false, or null for no value"
    )


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


Value = Annotated[
    StrictStr | StrictInt | StrictBool | None,
    BeforeValidator(_check_shape),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]}),
]
"""A flag's value; null is *no value*."""


def type_of(value: Value) -> FeatureType:
    """Return the feature type of a value. No value means a toggle."""
    if value is None:
        return FeatureType.TOGGLE
    if isinstance(value, bool):
        return FeatureType.BOOLEAN
    return FeatureType.INTEGER if isinstance(value, int) else FeatureType.STRING


def check_value(feature_type: FeatureType, value: Value, where: str = "The value", pointer: str = "/value") -> None:
    """Raise ValueTypeWrong if a value does not have the feature's type. *No value* is valid for every type."""
    if value is not None and type_of(value) is not feature_type:
        accepted = "no value" if feature_type is FeatureType.TOGGLE else f"{feature_type} values"
        message = f"{where} is of type {type_of(value)}, but the feature accepts {accepted}."
        problem = Problem(pointer=pointer, code=ValueTypeWrong.code(), message=message)
        raise ValueTypeWrong(message, problems=(problem,), expected=feature_type.value)


Inheritable = Literal["enabled", "value"]


class Override(Frozen):
    """The state of a feature for one segment. A field in `inherits` follows the default, live. The lowest priority wins.

    Without an `allocation` of its own, it follows that of the default if it also follows its value.
    """

    enabled: bool | None = None
    value: Value = None
    inherits: tuple[Inheritable, ...] = ()
    priority: int = Field(ge=0, le=LAST_PRIORITY)
    allocation: Allocation | None = Field(default=None, exclude_if=lambda allocation: allocation is None)


class Rollout(NamedFields):
    """The state served to a share of identities instead of the default. A field that it does not name follows the default, live.

    A hash of the identity decides who is included. It stays the same while the share grows. Overrides win over rollouts.
    """

    percent: PartialPercentage
    enabled: StrictBool = True
    value: Value = None


class FlagState(Frozen):
    """The complete state of a flag in one environment. One without an allocation is stored as before there were any."""

    enabled: bool = False
    value: Value = None
    allocation: Allocation = Field(default={}, exclude_if=lambda allocation: not allocation)
    overrides: dict[Slug, Override] = {}
    rollout: Rollout | None = None

    def next_priority(self) -> int:
        """Return a priority after those of all overrides, or the last possible one if it is already in use."""
        return min(max((override.priority for override in self.overrides.values()), default=-1) + 1, LAST_PRIORITY)

    def resolved(self, segment: str) -> tuple[bool, Value]:
        """Return *enabled* and value for a segment, with inherited fields filled from the default."""
        override = self.overrides[segment]
        enabled = self.enabled if "enabled" in override.inherits or override.enabled is None else override.enabled
        return enabled, self.value if "value" in override.inherits else override.value

    def allocated(self, segment: str | None = None) -> Allocation:
        """Return the allocation for everyone, or that for one segment, which may be the same."""
        if segment is None:
            return self.allocation
        override = self.overrides[segment]
        if override.allocation is not None:
            return override.allocation
        return self.allocation if "value" in override.inherits else {}

    @property
    def is_split(self) -> bool:
        """True if an allocation applies to anyone."""
        return any(map(self.allocated, (None, *self.overrides)))

    def without_inheritance(self) -> "FlagState":
        """Return the same state with every field of an override or a rollout that follows the default set to that of this moment."""
        fixed = {
            segment: Override(enabled=enabled, value=value, priority=override.priority)
            for segment, override in self.overrides.items()
            for enabled, value in [self.resolved(segment)]
        }
        rollout = self.rollout
        if rollout:
            enabled, value = self.in_rollout(rollout)
            rollout = Rollout(percent=rollout.percent, enabled=enabled, value=value)
        return self.model_copy(update={"overrides": fixed, "rollout": rollout})

    def in_rollout(self, rollout: Rollout) -> tuple[bool, Value]:
        """Return *enabled* and value inside the share of a rollout, with unnamed fields filled from the default."""
        enabled = rollout.enabled if "enabled" in rollout.named else self.enabled
        return enabled, rollout.value if "value" in rollout.named else self.value
