"""A rollback puts back what only the release touched, and leaves alone and reports what somebody changed since."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.flags.change import plan_change
from domain.flags.flag import LAST_PRIORITY, FlagState, Override, Rollout
from domain.flags.patch import PLAIN, FlagPatch, OverridePatch
from domain.releases.net_change import UndoScope, net_changes
from domain.releases.revert import nothing_to_revert
from tests.domain.flag_strategies import SEGMENTS, flags, patches
from tests.domain.journey import Journey

ON = FlagPatch(enabled=True, value="new")
BETA_ON = FlagPatch(overrides={"beta": OverridePatch(enabled=True)})
STAFF_ON = FlagPatch(overrides={"staff": OverridePatch(enabled=True)})
REMOVE = FlagPatch(overrides="remove")
WITHOUT_BETA = FlagPatch(overrides={"beta": None})
BETA = Override(enabled=False, value="old", priority=3)
BETA_BY_HAND = Override(enabled=False, value="hand", priority=3)


def override(priority: int = 0, **fields: Any) -> Override:
    """An override that inherits what is not given."""
    return Override(priority=priority, inherits=tuple(field for field in ("enabled", "value") if field not in fields), **fields)


def start(**overrides: Override) -> FlagState:
    return FlagState(value="classic", overrides=overrides)


def journey(before: FlagState, act: FlagPatch, hand: FlagPatch | None = None) -> Journey:
    """One stage, and one change by hand after it."""
    flag = Journey(before)
    flag.act(0, act)
    if hand is not None:
        flag.by_hand(hand)
    return flag


def by_hand_for_beta(**fields: Any) -> FlagPatch:
    return FlagPatch(overrides={"beta": OverridePatch(**fields)})


CASES: dict[str, tuple[FlagState, FlagPatch, FlagPatch, FlagState, list[str]]] = {
    "a field that somebody changed stays, the other is put back": (
        start(),
        ON,
        FlagPatch(value="hand"),
        start().model_copy(update={"value": "hand"}),
        ["value"],
    ),
    "a field that somebody put back already is done": (start(), ON, FlagPatch(value="classic"), start(), []),
    "another override is nobody's business": (
        start(),
        ON,
        FlagPatch(overrides={"staff": OverridePatch(enabled=True)}),
        start(staff=override(enabled=True)),
        [],
    ),
    "a rollout that somebody made stays beside what is put back": (
        FlagState(),
        FlagPatch(enabled=True),
        FlagPatch(rollout=Rollout(percent=5)),
        FlagState(rollout=Rollout(percent=5)),
        [],
    ),
    "a rollout that the release ended is under way again": (
        FlagState(rollout=Rollout(percent=5)),
        FlagPatch(enabled=True),
        FlagPatch(),
        FlagState(rollout=Rollout(percent=5)),
        [],
    ),
    "it is not, if somebody set since what everyone gets": (
        FlagState(rollout=Rollout(percent=5)),
        FlagPatch(value="new"),
        FlagPatch(enabled=True),
        FlagState(enabled=True),
        ["rollout"],
    ),
    "an override that the release made is taken away": (start(), BETA_ON, FlagPatch(), start(), []),
    "one that somebody took away is done": (start(), BETA_ON, WITHOUT_BETA, start(), []),
    "one whose rest somebody set stays with that, and what the release set is inherited": (
        start(),
        BETA_ON,
        by_hand_for_beta(value="hand"),
        start(beta=override(value="hand")),
        ["overrides/beta"],
    ),
    "one whose rank somebody changed stays": (start(), BETA_ON, by_hand_for_beta(priority=7), start(beta=override(7)), ["overrides/beta"]),
    "one that somebody changed in what the release set stays so": (
        start(),
        BETA_ON,
        by_hand_for_beta(enabled=False),
        start(beta=override(enabled=False)),
        ["overrides/beta"],
    ),
    "an override that was there gets its field back": (
        start(beta=BETA),
        BETA_ON,
        by_hand_for_beta(value="hand"),
        start(beta=BETA_BY_HAND),
        [],
    ),
    "its field that somebody changed stays": (
        start(beta=BETA),
        FlagPatch(overrides={"beta": OverridePatch(enabled=True, value="new")}),
        by_hand_for_beta(value="hand"),
        start(beta=BETA_BY_HAND),
        ["overrides/beta"],
    ),
    "one that somebody took away stays away": (start(beta=BETA), BETA_ON, WITHOUT_BETA, start(), ["overrides/beta"]),
    "an override that the release took away is made again": (
        start(beta=BETA),
        REMOVE,
        FlagPatch(),
        start(beta=BETA),
        [],
    ),
    "one that somebody made anew stays": (
        start(beta=BETA),
        REMOVE,
        by_hand_for_beta(enabled=True),
        start(beta=override(enabled=True)),
        ["overrides/beta"],
    ),
    "one that somebody made again as it was is done": (
        start(beta=BETA),
        REMOVE,
        by_hand_for_beta(enabled=False, value="old", priority=3),
        start(beta=BETA),
        [],
    ),
}


@pytest.mark.parametrize(("before", "act", "hand", "expected", "left"), CASES.values(), ids=CASES)
def test_it_is_put_back_field_by_field(before: FlagState, act: FlagPatch, hand: FlagPatch, expected: FlagState, left: list[str]) -> None:
    flag = journey(before, act, hand)

    rolled = flag.roll_back()

    assert flag.now == expected
    assert [each.field for each in rolled.left_alone] == left
    assert {each.because for each in rolled.left_alone} <= {"changed_by_hand"}


@pytest.mark.parametrize(("before", "act", "hand", "_expected", "_left"), CASES.values(), ids=CASES)
def test_forced_everything_is_as_it_was(before: FlagState, act: FlagPatch, hand: FlagPatch, _expected: FlagState, _left: list[str]) -> None:
    flag = journey(before, act, hand)
    untouched = {segment: override for segment, override in flag.now.overrides.items() if segment == "staff"}

    rolled = flag.roll_back(force=True)

    assert rolled.left_alone == ()
    fields = {"enabled", "value"} & act.named
    assert flag.now.rollout == (before.rollout or flag.now.rollout)
    assert [getattr(flag.now, field) for field in fields] == [getattr(before, field) for field in fields]
    assert set(flag.now.overrides) == set(before.overrides) | set(untouched)
    if "beta" in before.overrides and act != BETA_ON:
        assert flag.now.overrides["beta"] == before.overrides["beta"]


def test_what_is_left_alone_is_shown_before_after_and_now() -> None:
    plain = journey(start(), ON, FlagPatch(value="hand")).decided().left_alone
    made = journey(start(), BETA_ON, by_hand_for_beta(value="hand")).decided().left_alone
    changed = journey(start(beta=BETA), BETA_ON, by_hand_for_beta(inherits=("enabled",))).decided().left_alone

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


def test_an_override_whose_segment_is_gone_can_not_be_made_again_even_if_forced() -> None:
    flag = journey(start(beta=BETA), REMOVE)

    decided = flag.decided(force=True, segments=("staff",))

    assert decided.patch.named == set()
    assert [(each.field, each.because, each.now) for each in decided.left_alone] == [("overrides/beta", "segment_gone", None)]


@pytest.mark.parametrize(("rank", "free"), [(3, 4), (LAST_PRIORITY, LAST_PRIORITY - 1)])
def test_an_override_whose_rank_is_anothers_by_now_gets_the_next_that_is_free(rank: int, free: int) -> None:
    beta = BETA.model_copy(update={"priority": rank})
    flag = journey(start(beta=beta), REMOVE, FlagPatch(overrides={"staff": OverridePatch(enabled=True, priority=rank)}))

    rolled = flag.roll_back()

    assert flag.now.overrides["beta"] == beta.model_copy(update={"priority": free})
    left = [(each.because, each.before, each.now) for each in rolled.left_alone]
    assert left == [("priority_taken", {"priority": rank}, {"priority": free})]


def test_where_the_environment_is_gone_everything_is_left_alone() -> None:
    flag = journey(start(beta=BETA), FlagPatch(value="new", overrides={"beta": None}))
    net = net_changes(flag.changes, UndoScope(0, flag.stage_of_visit), {"production": flag.seen})["production"]

    left = nothing_to_revert(net, "production")

    assert [(each.field, each.because, each.now) for each in left] == [
        ("value", "environment_gone", None),
        ("overrides/beta", "environment_gone", None),
    ]


Turn = tuple[bool, int, FlagPatch]
TURNS = st.lists(st.tuples(st.booleans(), st.sampled_from(range(3)), patches()), max_size=6)


class Watch:
    """An oracle that knows nothing of nets: it sees who altered which place, from what to what, in which order."""

    def __init__(self, start: FlagState) -> None:
        self.flag = Journey(start)
        self.seen: dict[str, list[tuple[bool, Any, Any]]] = {}

    def turn(self, by_release: bool, stage: int, patch: FlagPatch) -> None:
        was = self.flag.now
        (self.flag.act(stage, patch) if by_release else self.flag.by_hand(patch))
        for place in (*PLAIN, *SEGMENTS):
            if at(was, place) != at(self.flag.now, place):
                self.seen.setdefault(place, []).append((by_release, at(was, place), at(self.flag.now, place)))

    def expected(self, field: str, now: Any) -> Any:
        """What a plain field is to become."""
        by_release = [(before, after) for is_release, before, after in self.seen.get(field, []) if is_release]
        is_as_the_release_left_it = bool(by_release) and by_release[-1][1] == now
        return by_release[0][0] if is_as_the_release_left_it else now

    @property
    def somebody_set_what_everyone_gets(self) -> bool:
        """A rollout that the release ended may then stay ended."""
        return any(not is_release for field in ("enabled", "value") for is_release, _, _ in self.seen.get(field, []))


def at(state: FlagState, place: str) -> Any:
    return getattr(state, place) if place in PLAIN else state.overrides.get(place)


def watched(start: FlagState, turns: list[Turn]) -> Watch:
    watch = Watch(start)
    for turn in turns:
        watch.turn(*turn)
    return watch


@given(flags(), TURNS)
def test_exactly_the_fields_that_are_as_the_release_left_them_are_put_back(start: FlagState, turns: list[Turn]) -> None:
    watch = watched(start, turns)
    climbed = watch.flag.now

    rolled = watch.flag.roll_back()

    for field in PLAIN:
        expected, then = watch.expected(field, at(climbed, field)), at(watch.flag.now, field)
        stays = field == "rollout" and watch.somebody_set_what_everyone_gets and then == at(climbed, field)
        assert then == expected or stays, field
    by_hand_alone = [field for field in PLAIN if not any(is_release for is_release, _, _ in watch.seen.get(field, []))]
    assert not {left.field for left in rolled.left_alone} & set(by_hand_alone)


@given(flags(), TURNS)
def test_an_override_that_only_the_release_touched_is_as_it_was_and_one_that_it_never_touched_stays(
    start: FlagState, turns: list[Turn]
) -> None:
    watch = watched(start, turns)
    climbed = watch.flag.now

    rolled = watch.flag.roll_back()

    displaced = {left.field for left in rolled.left_alone if left.because == "priority_taken"}
    for segment in SEGMENTS:
        by = {is_release for is_release, _, _ in watch.seen.get(segment, [])}
        if by <= {False}:
            assert at(watch.flag.now, segment) == at(climbed, segment), segment
        elif by == {True} and f"overrides/{segment}" not in displaced:
            assert at(watch.flag.now, segment) == at(start, segment), segment


@given(flags(), TURNS)
def test_a_rollback_makes_only_flags_that_the_store_takes(before: FlagState, turns: list[Turn]) -> None:
    flag = Journey(before)
    for by_release, stage, patch in turns:
        (flag.act(stage, patch) if by_release else flag.by_hand(patch))

    for force in (False, True):
        try:
            plan_change(flag.decided(force=force).patch, flag.now)
        except Invalid as refused:
            pytest.fail(refused.message)
