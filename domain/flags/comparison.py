"""The fields in which two states of a flag differ."""

from typing import NamedTuple

from domain.flags.allocation import Allocation
from domain.flags.flag import FlagState, Rollout, Value
from domain.flags.patch import PLAIN, FlagPatch, OverridePatch

FEATURE = "feature"
"""The field in which a feature differs if only one of two projects has it. Its values are True and False."""

FieldValue = Value | Rollout | OverridePatch | Allocation
"""The value of a field, as a patch would set it. An override that does not exist, and the end of a rollout, are None.

Allocations differ if the shares do, not if other identities have them.
"""


class FieldDifference(NamedTuple):
    """A field that differs, and its value on both sides. Fields are named as in conflicts: `value`, `rollout`, `overrides/beta`."""

    field: str
    left: FieldValue
    right: FieldValue


def compare_flags(left: FlagState, right: FlagState) -> list[FieldDifference]:
    """Return the fields that differ: those for everyone, then overrides by segment. An override is compared with its priority.

    An inherited field is the same on both sides, whatever it follows: then the default differs.
    """
    plain = [FieldDifference(field, getattr(left, field), getattr(right, field)) for field in PLAIN]
    segments = sorted({*left.overrides, *right.overrides})
    overridden = [segment for segment in segments if left.overrides.get(segment) != right.overrides.get(segment)]
    overrides = [FieldDifference(f"overrides/{segment}", _override(left, segment), _override(right, segment)) for segment in overridden]
    return [each for each in plain if each.left != each.right] + overrides


def compare_existing(left: FlagState | None, right: FlagState | None) -> list[FieldDifference]:
    """Return the fields that differ between the states of a feature, of which one may not exist."""
    if left is None or right is None:
        return [FieldDifference(FEATURE, left is not None, right is not None)]
    return compare_flags(left, right)


def _override(state: FlagState, segment: str) -> OverridePatch | None:
    return FlagPatch(overrides={segment: None}).seen_in(state).segments[segment]
