"""Two states of a flag are compared field by field."""

from typing import Any

import pytest
from hypothesis import given

from domain.flags.allocation import Share
from domain.flags.comparison import FieldDifference, compare_flags
from domain.flags.flag import MOST_OVERRIDES, FlagState, Override, Rollout
from domain.flags.patch import FlagPatch, OverridePatch
from tests.domain.flag_strategies import flags

ON = Override(enabled=True, inherits=("value",), priority=0)
DIFFERING: dict[str, tuple[dict[str, Any], dict[str, Any], list[FieldDifference]]] = {
    "enabled": ({}, {"enabled": True}, [FieldDifference("enabled", False, True)]),
    "a text": ({"value": "1"}, {"value": "one-page"}, [FieldDifference("value", "1", "one-page")]),
    "a number": ({"value": 0}, {"value": 50}, [FieldDifference("value", 0, 50)]),
    "a boolean": ({"value": False}, {"value": True}, [FieldDifference("value", False, True)]),
    "no value": ({"value": ""}, {"value": None}, [FieldDifference("value", "", None)]),
    "a rollout on one side": (
        {"rollout": Rollout(percent=10, value="new")},
        {},
        [FieldDifference("rollout", Rollout(percent=10, value="new"), None)],
    ),
    "the share of a rollout": (
        {"rollout": Rollout(percent=10)},
        {"rollout": Rollout(percent=10.5)},
        [FieldDifference("rollout", Rollout(percent=10), Rollout(percent=10.5))],
    ),
    "a rollout that names a field": (
        {"rollout": Rollout(percent=10)},
        {"rollout": Rollout(percent=10, enabled=True)},
        [FieldDifference("rollout", Rollout(percent=10), Rollout(percent=10, enabled=True))],
    ),
    "the allocation": (
        {"allocation": {"one-page": 10}},
        {"allocation": {"one-page": 10, "video": 5}},
        [FieldDifference("allocation", {"one-page": Share(percent=10)}, {"one-page": Share(percent=10), "video": Share(percent=5)})],
    ),
    "the same allocation of other identities": (
        {"allocation": {"one-page": {"percent": 10, "at": [[0, 1000]]}}},
        {"allocation": {"one-page": {"percent": 10, "at": [[1000, 2000]]}}},
        [],
    ),
    "an override on one side": (
        {},
        {"overrides": {"beta": ON}},
        [FieldDifference("overrides/beta", None, OverridePatch(enabled=True, allocation=None, inherits=("value",), priority=0))],
    ),
    "a priority": (
        {"overrides": {"beta": ON}},
        {"overrides": {"beta": ON.model_copy(update={"priority": 3})}},
        [
            FieldDifference(
                "overrides/beta",
                OverridePatch(enabled=True, allocation=None, inherits=("value",), priority=0),
                OverridePatch(enabled=True, allocation=None, inherits=("value",), priority=3),
            )
        ],
    ),
    "an inherited field that is set": (
        {"overrides": {"beta": ON}},
        {"overrides": {"beta": Override(enabled=True, value=None, priority=0)}},
        [
            FieldDifference(
                "overrides/beta",
                OverridePatch(enabled=True, allocation=None, inherits=("value",), priority=0),
                OverridePatch(enabled=True, value=None, allocation=None, priority=0),
            )
        ],
    ),
    "a default that an override inherits": (
        {"value": "a", "overrides": {"beta": ON}},
        {"value": "b", "overrides": {"beta": ON}},
        [FieldDifference("value", "a", "b")],
    ),
}


@pytest.mark.parametrize("name", DIFFERING)
def test_each_field_that_differs_is_given_with_both_values(name: str) -> None:
    left, right, expected = DIFFERING[name]

    assert compare_flags(FlagState(**left), FlagState(**right)) == expected


def test_fields_for_everyone_come_before_overrides_by_segment() -> None:
    left = FlagState(overrides={"vip": ON, "beta": ON.model_copy(update={"priority": 1})})
    right = FlagState(enabled=True, value="new", rollout=Rollout(percent=5), overrides={"staff": ON})

    found = [each.field for each in compare_flags(left, right)]

    assert found == ["enabled", "value", "rollout", "overrides/beta", "overrides/staff", "overrides/vip"]


def test_flags_with_as_many_overrides_as_possible_can_be_compared() -> None:
    left, right = (
        FlagState(overrides={f"{side}-{number}": ON.model_copy(update={"priority": number}) for number in range(MOST_OVERRIDES)})
        for side in ("left", "right")
    )

    assert len(compare_flags(left, right)) == 2 * MOST_OVERRIDES


@given(flags(), flags())
def test_only_equal_states_have_no_difference_and_the_sides_can_be_swapped(left: FlagState, right: FlagState) -> None:
    found = compare_flags(left, right)

    assert (found == []) == (left == right)
    assert [(each.field, each.left, each.right) for each in compare_flags(right, left)] == [
        (each.field, each.right, each.left) for each in found
    ]


@given(flags(), flags())
def test_a_patch_of_the_differing_fields_makes_one_side_like_the_other(left: FlagState, right: FlagState) -> None:
    found = {each.field: each.right for each in compare_flags(left, right)}
    overrides = {field.removeprefix("overrides/"): value for field, value in found.items() if field.startswith("overrides/")}
    plain = {field: value for field, value in found.items() if not field.startswith("overrides/")}

    patch = FlagPatch(**{"rollout": right.rollout, "allocation": right.allocation} | plain, overrides=overrides)

    assert patch.applied(left) == right
