"""A field that someone changed by hand is a conflict, field by field."""

from typing import Any

import pytest
from hypothesis import given

from domain.errors import FlagChangedByHand, Invalid
from domain.flags.change import change_key, check_not_changed_by_hand, plan_change
from domain.flags.flag import FlagState, Override
from domain.flags.patch import FlagPatch, OverridePatch
from tests.domain.flag_strategies import flags, patches


def flag(enabled: bool = False, value: str | None = "classic", **overrides: Override) -> FlagState:
    return FlagState(enabled=enabled, value=value, overrides=overrides)


def override(priority: int = 0, **fields: Any) -> Override:
    """An override that inherits the fields not given."""
    inherits = tuple(field for field in ("enabled", "value") if field not in fields)
    return Override(priority=priority, inherits=inherits, **fields)


BOTH = FlagPatch(enabled=True, value="new")
FOR_BETA = FlagPatch(overrides={"beta": OverridePatch(enabled=True)})
BOTH_FOR_BETA = FlagPatch(overrides={"beta": OverridePatch(enabled=True, value="new")})
REMOVE = FlagPatch(overrides="remove")

NO_CONFLICT = {
    "nothing was changed": (BOTH, flag(), flag()),
    "already at the target": (BOTH, flag(), flag(True, "new")),
    "one field at the target, the other as seen": (BOTH, flag(), flag(True)),
    "the other field was changed": (FlagPatch(enabled=True), flag(), flag(value="by hand")),
    "an override that is not named was added": (BOTH, flag(), flag(staff=override(enabled=True))),
    "the override is as seen": (FOR_BETA, flag(beta=override(enabled=False)), flag(beta=override(enabled=False))),
    "the override is at the target": (FOR_BETA, flag(), flag(beta=override(enabled=True))),
    "the override's other field was changed": (FOR_BETA, flag(beta=override(enabled=False)), flag(beta=override(enabled=False, value="x"))),
    "its priority was changed": (FOR_BETA, flag(beta=override(enabled=False)), flag(beta=override(7, enabled=False))),
    "one field of it at the target, the other as seen": (
        BOTH_FOR_BETA,
        flag(beta=override(enabled=False, value="old")),
        flag(beta=override(enabled=True, value="old")),
    ),
    "all overrides are as seen": (REMOVE, flag(beta=override(enabled=True)), flag(beta=override(enabled=True))),
    "all overrides are already gone": (REMOVE, flag(beta=override(enabled=True)), flag()),
}
CONFLICT = {
    "a field was changed": (BOTH, flag(), flag(value="by hand"), ["value"]),
    "both fields were changed": (BOTH, flag(True, "old"), flag(False, "by hand"), ["enabled", "value"]),
    "a value was removed": (BOTH, flag(), flag(value=None), ["value"]),
    "the override was changed": (FOR_BETA, flag(beta=override(enabled=True)), flag(beta=override(value="x")), ["overrides/beta"]),
    "the override was removed": (FOR_BETA, flag(beta=override(enabled=False)), flag(), ["overrides/beta"]),
    "an override was added there": (FOR_BETA, flag(), flag(beta=override(enabled=False)), ["overrides/beta"]),
    "a set field now inherits": (BOTH_FOR_BETA, flag(beta=override(value="x")), flag(beta=override(enabled=True)), ["overrides/beta"]),
    "an override to be removed was added": (REMOVE, flag(), flag(staff=override(enabled=True)), ["overrides/staff"]),
    "an override to be removed was changed": (
        REMOVE,
        flag(beta=override(enabled=True)),
        flag(beta=override(enabled=False)),
        ["overrides/beta"],
    ),
}


@pytest.mark.parametrize(("patch", "seen", "now"), NO_CONFLICT.values(), ids=NO_CONFLICT)
def test_no_conflict_if(patch: FlagPatch, seen: FlagState, now: FlagState) -> None:
    check_not_changed_by_hand(patch, now, seen)


@pytest.mark.parametrize(("patch", "seen", "now", "fields"), CONFLICT.values(), ids=CONFLICT)
def test_conflict_if(patch: FlagPatch, seen: FlagState, now: FlagState, fields: list[str]) -> None:
    with pytest.raises(FlagChangedByHand) as refused:
        check_not_changed_by_hand(patch, now, seen)

    assert refused.value.details["fields"] == fields
    assert all(field in refused.value.message for field in fields)


def test_a_conflict_shows_both_sides_and_the_target_of_the_fields_concerned() -> None:
    seen, now = flag(beta=override(enabled=False)), flag(value="by hand", beta=override(value="by hand"), staff=override(enabled=True))
    patch = FlagPatch(value="new", overrides={"beta": OverridePatch(enabled=True)})

    with pytest.raises(FlagChangedByHand) as refused:
        check_not_changed_by_hand(patch, now, seen)

    assert {side: refused.value.details[side] for side in ("seen", "now", "wanted")} == {
        "seen": {"value": "classic", "overrides": {"beta": {"enabled": False}}},
        "now": {"value": "by hand", "overrides": {"beta": {"inherits": ["enabled"]}}},
        "wanted": {"value": "new", "overrides": {"beta": {"enabled": True}}},
    }


@given(patches(), flags())
def test_a_flag_as_last_seen_or_at_its_target_is_never_a_conflict(patch: FlagPatch, state: FlagState) -> None:
    check_not_changed_by_hand(patch, state, seen=state)
    check_not_changed_by_hand(patch, patch.applied(state), seen=state)


@given(patches(), patches(), flags())
def test_a_release_never_conflicts_with_its_own_changes(first: FlagPatch, second: FlagPatch, state: FlagState) -> None:
    try:
        change = plan_change(first, state)
    except Invalid:
        return
    check_not_changed_by_hand(second, change.state, seen=change.overlaid(state))


@given(patches(), flags(), flags())
def test_a_conflict_is_resolved_once_its_current_state_counts_as_seen(patch: FlagPatch, now: FlagState, seen: FlagState) -> None:
    try:
        check_not_changed_by_hand(patch, now, seen)
    except FlagChangedByHand as conflict:
        shown = FlagPatch.model_validate(conflict.details["now"])
        check_not_changed_by_hand(patch, now, shown.applied(seen))


def test_the_key_of_a_change_is_its_release_visit_and_step() -> None:
    assert change_key("r", 2, 1) == "r/2/1"
