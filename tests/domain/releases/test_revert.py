"""A rollback reverts what only the release changed, and leaves alone and reports what somebody changed since."""

from typing import Any

import pytest

from domain.flags.allocation import percents
from domain.flags.flag import LAST_PRIORITY, FlagState, Override, Rollout
from domain.flags.patch import FlagPatch, OverridePatch
from domain.releases.net_change import UndoScope, net_changes
from domain.releases.revert import left_without_environment
from tests.domain.released_flag import ReleasedFlag

ON = FlagPatch(enabled=True, value="new")
BETA_ON = FlagPatch(overrides={"beta": OverridePatch(enabled=True)})
STAFF_ON = FlagPatch(overrides={"staff": OverridePatch(enabled=True)})
REMOVE = FlagPatch(overrides="remove")
WITHOUT_BETA = FlagPatch(overrides={"beta": None})
BETA = Override(enabled=False, value="old", priority=3)
BETA_BY_HAND = Override(enabled=False, value="hand", priority=3)


def override(priority: int = 0, **fields: Any) -> Override:
    """Return an override that inherits the fields that are not given."""
    return Override(priority=priority, inherits=tuple(field for field in ("enabled", "value") if field not in fields), **fields)


def start(**overrides: Override) -> FlagState:
    return FlagState(value="classic", overrides=overrides)


def changed_flag(before: FlagState, act: FlagPatch, manual: FlagPatch | None = None) -> ReleasedFlag:
    """Return a flag after one stage and one change by hand."""
    flag = ReleasedFlag(before)
    flag.act(0, act)
    if manual is not None:
        flag.change_by_hand(manual)
    return flag


def by_hand_for_beta(**fields: Any) -> FlagPatch:
    return FlagPatch(overrides={"beta": OverridePatch(**fields)})


CASES: dict[str, tuple[FlagState, FlagPatch, FlagPatch, FlagState, list[str]]] = {
    "a field that somebody changed stays, the other one is reverted": (
        start(),
        ON,
        FlagPatch(value="hand"),
        start().model_copy(update={"value": "hand"}),
        ["value"],
    ),
    "a field that somebody already changed back needs nothing": (start(), ON, FlagPatch(value="classic"), start(), []),
    "an override that the release did not set is not touched": (
        start(),
        ON,
        FlagPatch(overrides={"staff": OverridePatch(enabled=True)}),
        start(staff=override(enabled=True)),
        [],
    ),
    "a rollout that somebody started stays beside the reverted fields": (
        FlagState(),
        FlagPatch(enabled=True),
        FlagPatch(rollout=Rollout(percent=5)),
        FlagState(rollout=Rollout(percent=5)),
        [],
    ),
    "a rollout that the release ended is restored": (
        FlagState(rollout=Rollout(percent=5)),
        FlagPatch(enabled=True),
        FlagPatch(),
        FlagState(rollout=Rollout(percent=5)),
        [],
    ),
    "a rollout that the release ended is not restored if somebody changed the default since": (
        FlagState(rollout=Rollout(percent=5)),
        FlagPatch(value="new"),
        FlagPatch(enabled=True),
        FlagState(enabled=True),
        ["rollout"],
    ),
    "an override that the release created is removed": (start(), BETA_ON, FlagPatch(), start(), []),
    "a created override that somebody removed needs nothing": (start(), BETA_ON, WITHOUT_BETA, start(), []),
    "a created override with other fields set by hand keeps those, and the release's fields inherit": (
        start(),
        BETA_ON,
        by_hand_for_beta(value="hand"),
        start(beta=override(value="hand")),
        ["overrides/beta"],
    ),
    "a created override whose priority somebody changed stays": (
        start(),
        BETA_ON,
        by_hand_for_beta(priority=7),
        start(beta=override(7)),
        ["overrides/beta"],
    ),
    "a created override with the release's field changed by hand stays as it is": (
        start(),
        BETA_ON,
        by_hand_for_beta(enabled=False),
        start(beta=override(enabled=False)),
        ["overrides/beta"],
    ),
    "an existing override gets its field back": (
        start(beta=BETA),
        BETA_ON,
        by_hand_for_beta(value="hand"),
        start(beta=BETA_BY_HAND),
        [],
    ),
    "a field of an existing override that somebody changed stays": (
        start(beta=BETA),
        FlagPatch(overrides={"beta": OverridePatch(enabled=True, value="new")}),
        by_hand_for_beta(value="hand"),
        start(beta=BETA_BY_HAND),
        ["overrides/beta"],
    ),
    "an existing override that somebody removed stays removed": (start(beta=BETA), BETA_ON, WITHOUT_BETA, start(), ["overrides/beta"]),
    "an override that the release removed is restored": (
        start(beta=BETA),
        REMOVE,
        FlagPatch(),
        start(beta=BETA),
        [],
    ),
    "a removed override that somebody created again stays": (
        start(beta=BETA),
        REMOVE,
        by_hand_for_beta(enabled=True),
        start(beta=override(enabled=True)),
        ["overrides/beta"],
    ),
    "a removed override that somebody restored needs nothing": (
        start(beta=BETA),
        REMOVE,
        by_hand_for_beta(enabled=False, value="old", priority=3),
        start(beta=BETA),
        [],
    ),
}


@pytest.mark.parametrize(("before", "act", "manual", "expected", "left"), CASES.values(), ids=CASES)
def test_a_flag_is_reverted_field_by_field(
    before: FlagState, act: FlagPatch, manual: FlagPatch, expected: FlagState, left: list[str]
) -> None:
    flag = changed_flag(before, act, manual)

    plan = flag.roll_back()

    assert flag.now == expected
    assert [each.field for each in plan.left_alone] == left
    assert {each.because for each in plan.left_alone} <= {"changed_by_hand"}


@pytest.mark.parametrize(("before", "act", "manual", "_expected", "_left"), CASES.values(), ids=CASES)
def test_a_forced_rollback_restores_everything(
    before: FlagState, act: FlagPatch, manual: FlagPatch, _expected: FlagState, _left: list[str]
) -> None:
    flag = changed_flag(before, act, manual)
    untouched = {segment: override for segment, override in flag.now.overrides.items() if segment == "staff"}

    plan = flag.roll_back(force=True)

    assert plan.left_alone == ()
    fields = {"enabled", "value"} & act.named
    assert flag.now.rollout == (before.rollout or flag.now.rollout)
    assert [getattr(flag.now, field) for field in fields] == [getattr(before, field) for field in fields]
    assert set(flag.now.overrides) == set(before.overrides) | set(untouched)
    if "beta" in before.overrides and act != BETA_ON:
        assert flag.now.overrides["beta"] == before.overrides["beta"]


def test_a_field_left_alone_is_reported_with_its_values_before_after_and_now() -> None:
    plain = changed_flag(start(), ON, FlagPatch(value="hand")).plan_rollback().left_alone
    made = changed_flag(start(), BETA_ON, by_hand_for_beta(value="hand")).plan_rollback().left_alone
    changed = changed_flag(start(beta=BETA), BETA_ON, by_hand_for_beta(inherits=("enabled",))).plan_rollback().left_alone

    assert [(each.environment, each.field, each.before, each.after, each.now) for each in (*plain, *made, *changed)] == [
        ("production", "value", "classic", "new", "hand"),
        (
            "production",
            "overrides/beta",
            None,
            {"enabled": True, "inherits": ["value"], "priority": 0},
            {"enabled": True, "value": "hand", "priority": 0},
        ),
        ("production", "overrides/beta", {"enabled": False}, {"enabled": True}, {"inherits": ["enabled"]}),
    ]


def test_an_override_of_a_deleted_segment_is_not_restored_even_if_forced() -> None:
    flag = changed_flag(start(beta=BETA), REMOVE)

    plan = flag.plan_rollback(force=True, segments=("staff",))

    assert plan.patch.named == set()
    assert [(each.field, each.because, each.now) for each in plan.left_alone] == [("overrides/beta", "segment_gone", None)]


@pytest.mark.parametrize(("priority", "free"), [(3, 4), (LAST_PRIORITY, LAST_PRIORITY - 1)])
def test_an_override_whose_priority_is_taken_gets_the_next_free_one(priority: int, free: int) -> None:
    beta = BETA.model_copy(update={"priority": priority})
    flag = changed_flag(start(beta=beta), REMOVE, FlagPatch(overrides={"staff": OverridePatch(enabled=True, priority=priority)}))

    plan = flag.roll_back()

    assert flag.now.overrides["beta"] == beta.model_copy(update={"priority": free})
    left = [(each.because, each.before, each.now) for each in plan.left_alone]
    assert left == [("priority_taken", {"priority": priority}, {"priority": free})]


def test_everything_in_a_deleted_environment_is_left_alone() -> None:
    flag = changed_flag(start(beta=BETA), FlagPatch(value="new", overrides={"beta": None}))
    net = net_changes(flag.changes, UndoScope(0, flag.stage_of_visit), {"production": flag.seen})["production"]

    left = left_without_environment(net, "production")

    assert [(each.field, each.because, each.now) for each in left] == [
        ("value", "environment_gone", None),
        ("overrides/beta", "environment_gone", None),
    ]


def test_an_allocation_of_a_removed_variant_is_not_restored_even_if_forced() -> None:
    allocated: Any = {"one-page": 10}
    begun = FlagPatch(allocation=allocated, overrides={"beta": OverridePatch(allocation=allocated)}).applied(FlagState())
    flag = ReleasedFlag(begun, variants=())
    flag.act(0, FlagPatch(enabled=True, value="new", overrides={"beta": OverridePatch(allocation=None)}))

    plan = flag.plan_rollback(force=True)

    assert plan.patch == FlagPatch(enabled=False, value=None)
    assert [(each.field, each.because) for each in plan.left_alone] == [("allocation", "variant_gone"), ("overrides/beta", "variant_gone")]


def test_an_allocation_that_somebody_changed_since_stays_and_another_value_is_restored_beside_it() -> None:
    flag = ReleasedFlag(FlagState(value="old"))
    flag.act(0, FlagPatch(value="new"))
    by_hand: Any = {"one-page": 10}
    flag.change_by_hand(FlagPatch(allocation=by_hand))

    flag.roll_back()

    assert flag.now.value == "old"
    assert percents(flag.now.allocation) == {"one-page": 10}
