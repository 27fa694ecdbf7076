"""A patch touches only the fields that it names."""

from typing import Any

import pytest
from hypothesis import assume, given
from pydantic import ValidationError

from domain.errors import Invalid
from domain.flags.allocation import Share, percents
from domain.flags.change import plan_change
from domain.flags.flag import LAST_PRIORITY, MOST_OVERRIDES, FlagState, Override, Rollout
from domain.flags.patch import FlagPatch, OverridePatch
from tests.domain.flag_strategies import SEGMENTS, flags, patches

BETA = Override(enabled=True, value="one-page", priority=0)
STAFF = Override(inherits=("enabled", "value"), priority=1)
FLAG = FlagState(enabled=False, value="classic", overrides={"beta": BETA, "staff": STAFF})


def with_overrides(**changed: Override) -> FlagState:
    return FLAG.model_copy(update={"overrides": FLAG.overrides | changed})


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ({}, FLAG),
        ({"enabled": True}, FLAG.model_copy(update={"enabled": True})),
        ({"value": "new"}, FLAG.model_copy(update={"value": "new"})),
        ({"value": None}, FLAG.model_copy(update={"value": None})),
        ({"overrides": {}}, FLAG),
        ({"overrides": "remove"}, FLAG.model_copy(update={"overrides": {}})),
        ({"overrides": {"beta": None}}, FLAG.model_copy(update={"overrides": {"staff": STAFF}})),
        ({"overrides": {"nobody": None}}, FLAG),
        ({"overrides": {"beta": {"enabled": False}}}, with_overrides(beta=Override(enabled=False, value="one-page", priority=0))),
        ({"overrides": {"beta": {"value": None}}}, with_overrides(beta=Override(enabled=True, value=None, priority=0))),
        ({"overrides": {"beta": {"priority": 9}}}, with_overrides(beta=Override(enabled=True, value="one-page", priority=9))),
        (
            {"overrides": {"beta": {"inherits": ["value"]}}},
            with_overrides(beta=Override(enabled=True, inherits=("value",), priority=0)),
        ),
        ({"overrides": {"staff": {"value": "x"}}}, with_overrides(staff=Override(value="x", inherits=("enabled",), priority=1))),
        ({"overrides": {"vip": {"enabled": True}}}, with_overrides(vip=Override(enabled=True, inherits=("value",), priority=2))),
        ({"overrides": {"vip": {}}}, with_overrides(vip=Override(inherits=("enabled", "value"), priority=2))),
    ],
)
def test_a_patch_changes_exactly_the_fields_it_names(patch: dict[str, Any], result: FlagState) -> None:
    assert FlagPatch.model_validate(patch).applied(FLAG) == result


def test_inheritance_is_live() -> None:
    flag = FlagPatch(overrides={"vip": OverridePatch(enabled=True)}).applied(FLAG)

    changed = FlagPatch(value="new").applied(flag)

    assert (flag.resolved("vip"), changed.resolved("vip")) == ((True, "classic"), (True, "new"))
    assert changed.resolved("beta") == (True, "one-page"), "a set field does not follow the default"
    assert FlagPatch(enabled=True).applied(changed).resolved("staff") == (True, "new")


def test_no_value_is_set_and_not_inherited() -> None:
    flag = FlagPatch(overrides={"beta": OverridePatch(value=None)}).applied(FLAG)

    assert flag.resolved("beta") == (True, None)


@pytest.mark.parametrize(
    "patch",
    [
        {"enabled": None},
        {"enabled": 1},
        {"enabled": "true"},
        {"value": 1.5},
        {"value": {"a": 1}},
        {"overrides": "keep"},
        {"overrides": None},
        {"overrides": {"Not A Slug": None}},
        {"overrides": {"beta": {"enabled": True, "inherits": ["enabled"]}}},
        {"overrides": {"beta": {"value": None, "inherits": ["value"]}}},
        {"overrides": {"beta": {"inherits": ["enabled", "enabled"]}}},
        {"overrides": {"beta": {"inherits": ["priority"]}}},
        {"overrides": {"beta": {"priority": -1}}},
        {"overrides": {"beta": {"priority": 1.0}}},
        {"overrides": {"beta": {"priority": LAST_PRIORITY + 1}}},
        {"overrides": {f"s{number}": None for number in range(MOST_OVERRIDES + 1)}},
        {"rollout": {}},
        {"key": "checkout"},
    ],
)
def test_an_invalid_patch_is_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FlagPatch.model_validate(patch)


def test_two_overrides_with_the_same_priority_are_refused() -> None:
    with pytest.raises(Invalid, match="same priority, 1"):
        plan_change(FlagPatch(overrides={"beta": OverridePatch(priority=1)}), FLAG)


def test_a_new_override_is_refused_if_no_priority_is_left() -> None:
    full = with_overrides(staff=Override(enabled=True, priority=LAST_PRIORITY))

    with pytest.raises(Invalid, match="same priority"):
        plan_change(FlagPatch(overrides={"vip": OverridePatch(enabled=True)}), full)


def test_a_flag_never_has_more_overrides_than_one_patch_can_remove() -> None:
    most = FlagState(overrides={f"s{number}": Override(enabled=True, priority=number) for number in range(MOST_OVERRIDES)})

    with pytest.raises(Invalid, match="at most 100 overrides"):
        plan_change(FlagPatch(overrides={"beta": OverridePatch(enabled=True)}), most)
    assert plan_change(FlagPatch(overrides="remove"), most).state.overrides == {}


def planned(patch: FlagPatch, flag: FlagState) -> Any:
    """The planned change. The example is discarded if the flag does not accept the patch."""
    try:
        return plan_change(patch, flag)
    except Invalid:
        assume(False)


@given(patches(), flags())
def test_applying_a_patch_twice_is_the_same_as_applying_it_once(patch: FlagPatch, flag: FlagState) -> None:
    once = patch.applied(flag)
    assert patch.applied(once) == once


@given(patches(), flags())
def test_before_restores_the_flag_and_after_makes_the_change_again(patch: FlagPatch, flag: FlagState) -> None:
    change = planned(patch, flag)
    assert change.before.applied(change.state) == flag
    assert change.before.applied(flag) == flag
    assert change.after.applied(flag) == change.state


@given(patches(), flags())
def test_fields_that_a_patch_does_not_name_stay_as_they_were(patch: FlagPatch, flag: FlagState) -> None:
    changed = patch.applied(flag)
    for field in {"enabled", "value"} - patch.named:
        assert getattr(changed, field) == getattr(flag, field)
    if not patch.removes_all_overrides:
        for segment in set(SEGMENTS) - patch.segments.keys():
            assert changed.overrides.get(segment) == flag.overrides.get(segment)


@given(patches(), flags())
def test_before_and_after_hold_only_the_fields_that_the_patch_names(patch: FlagPatch, flag: FlagState) -> None:
    change = planned(patch, flag)
    ended = {"rollout"} if flag.rollout and patch.named & {"enabled", "value"} else set()
    ended |= {"allocation"} if flag.allocation and "value" in patch.named else set()
    assert change.before.named == change.after.named == patch.named | ended
    assert change.before.segments.keys() == change.after.segments.keys() == patch.expanded(flag).segments.keys()
    assert (change.before == change.after) == (change.state == flag)


@given(patches())
def test_a_patch_crosses_json_with_the_fields_that_it_names(patch: FlagPatch) -> None:
    parsed = FlagPatch.model_validate_json(patch.model_dump_json())
    assert parsed == patch
    assert parsed.named == patch.named
    assert set(patch.model_dump()) == patch.named


@pytest.mark.parametrize("fields", [{"enabled": False}, {"value": "x"}, {"enabled": False, "overrides": {"beta": {"enabled": True}}}])
def test_a_patch_of_the_default_ends_a_rollout_in_the_same_change(fields: dict[str, Any]) -> None:
    change = planned(FlagPatch(**fields), FlagState(rollout=Rollout(percent=40, enabled=True)))

    assert change.state.rollout is None
    assert change.before.rollout == Rollout(percent=40, enabled=True)
    assert "rollout" in change.after.named


ALLOCATED = FlagState(value="classic", allocation={"one-page": Share(percent=10)})


def test_a_value_for_everyone_ends_the_allocation_in_the_same_change_and_enabling_does_not() -> None:
    enabled, valued = planned(FlagPatch(enabled=True), ALLOCATED), planned(FlagPatch(value="v2"), ALLOCATED)
    both = planned(FlagPatch(value="v2", allocation=ALLOCATED.allocation), ALLOCATED)

    assert enabled.after == FlagPatch(enabled=True)
    assert valued.after == FlagPatch(value="v2", allocation={})
    assert valued.before.allocation == ALLOCATED.allocation
    assert both.state.allocation == ALLOCATED.allocation


def test_a_value_for_a_segment_ends_its_own_allocation_in_the_same_change() -> None:
    state = FlagPatch(overrides={"beta": OverridePatch(allocation={"one-page": Share(percent=10)})}).applied(FlagState())

    change = planned(FlagPatch(overrides={"beta": OverridePatch(value="v2")}), state)

    assert change.after == FlagPatch(overrides={"beta": OverridePatch(value="v2", allocation=None)})
    assert change.before.applied(change.state) == state


def test_an_override_follows_the_allocation_together_with_the_value() -> None:
    patches: dict[str, OverridePatch | None] = {
        "on": OverridePatch(enabled=True),
        "valued": OverridePatch(value="v2"),
        "none": OverridePatch(allocation={}),
        "own": OverridePatch(allocation={"video": Share(percent=5)}),
    }
    state = FlagPatch(overrides=patches).applied(ALLOCATED)

    allocated = {segment: percents(state.allocated(segment)) for segment in patches}
    assert allocated == {"on": {"one-page": 10}, "valued": {}, "none": {}, "own": {"video": 5}}
    assert state.is_split
    assert not FlagPatch(overrides=dict.fromkeys(patches), allocation={}).applied(state).is_split


def test_before_gives_identities_back_the_variants_that_they_had() -> None:
    grown = planned(_allocated(a=50, b=50), planned(_allocated(a=10, b=10), FlagState()).state)
    shipped = planned(FlagPatch(value="a"), grown.state)

    undone = shipped.before.applied(shipped.state)

    assert undone.model_dump() == grown.state.model_dump()
    assert _allocated(a=50, b=50).applied(shipped.state).model_dump() != grown.state.model_dump()


def _allocated(**shares: float) -> FlagPatch:
    return FlagPatch(allocation={variant: Share(percent=share) for variant, share in shares.items()})


@pytest.mark.parametrize("fields", [{"overrides": "remove"}, {"overrides": {"beta": {"enabled": True}}}])
def test_a_patch_of_segments_only_keeps_a_rollout(fields: dict[str, Any]) -> None:
    change = planned(FlagPatch(**fields), FlagState(rollout=Rollout(percent=40, enabled=True)))

    assert change.state.rollout == Rollout(percent=40, enabled=True)
    assert "rollout" not in change.after.named
