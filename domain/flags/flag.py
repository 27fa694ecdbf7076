"""A flag in one environment: its default, and its overrides for segments."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from domain.errors import Problem, ValueTypeWrong
from domain.model import Frozen, NamedFields
from domain.text import Slug

LARGEST_INTEGER = 2**53 - 1
"""The largest integer that every client reads exactly."""

LONGEST_STRING = 20_000
MOST_OVERRIDES = 100
LAST_PRIORITY = 1_000_000


class FeatureType(StrEnum):
    """What values a feature takes. It never changes."""

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
    """The feature type whose values look like this one; no value makes a toggle."""
    if value is None:
        return FeatureType.TOGGLE
    if isinstance(value, bool):
        return FeatureType.BOOLEAN
    return FeatureType.INTEGER if isinstance(value, int) else FeatureType.STRING


def check_value(feature_type: FeatureType, value: Value, where: str = "The value", pointer: str = "/value") -> None:
    """Raise ValueTypeWrong unless the feature takes this value; every type takes *no value*."""
    if value is not None and type_of(value) is not feature_type:
        takes = "no value" if feature_type is FeatureType.TOGGLE else f"{feature_type} values"
        message = f"{where} is of type {type_of(value)}, and the feature takes {takes}."
        problem = Problem(pointer=pointer, code=ValueTypeWrong.code(), message=message)
        raise ValueTypeWrong(message, problems=(problem,), expected=feature_type.value)


Inheritable = Literal["enabled", "value"]


class Override(Frozen):
    """A feature's state for one segment; a field in `inherits` follows the default, live. Lower priority wins."""

    enabled: bool | None = None
    value: Value = None
    inherits: tuple[Inheritable, ...] = ()
    priority: int = Field(ge=0, le=LAST_PRIORITY)


class Rollout(NamedFields):
    """What a share of identities gets instead of the default; a field that it does not name follows the default, live.

    Who is in is decided by a hash of the identity that stays the same while the share grows. Overrides win over it.
    """

    percent: int = Field(ge=1, le=99, strict=True)
    enabled: StrictBool = True
    value: Value = None


class FlagState(Frozen):
    """A flag in one environment, whole."""

    enabled: bool = False
    value: Value = None
    overrides: dict[Slug, Override] = {}
    rollout: Rollout | None = None

    def next_priority(self) -> int:
        """The priority that ranks a new override below all others; where the last one is taken, that one."""
        return min(max((override.priority for override in self.overrides.values()), default=-1) + 1, LAST_PRIORITY)

    def resolved(self, segment: str) -> tuple[bool, Value]:
        """What the segment gets, inherited fields filled from the default."""
        override = self.overrides[segment]
        enabled = self.enabled if "enabled" in override.inherits or override.enabled is None else override.enabled
        return enabled, self.value if "value" in override.inherits else override.value
