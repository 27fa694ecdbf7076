"""A rollback reverts exactly what the release changed and no one has changed since, whatever happened in between."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.flags.change import plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import ENDED_BY, PLAIN, FlagPatch
from tests.domain.flag_strategies import SEGMENTS, flags, patches
from tests.domain.released_flag import ReleasedFlag

Turn = tuple[bool, int, FlagPatch]
TURNS = st.lists(st.tuples(st.booleans(), st.sampled_from(range(3)), patches()), max_size=6)


class Observer:
    """An oracle without net changes: it records each change of a field or override, its author, and the values before and after."""

    def __init__(self, start: FlagState) -> None:
        self.flag = ReleasedFlag(start)
        self.changes: dict[str, list[tuple[bool, Any, Any]]] = {}

    def turn(self, by_release: bool, stage: int, patch: FlagPatch) -> None:
        was = self.flag.now
        (self.flag.act(stage, patch) if by_release else self.flag.change_by_hand(patch))
        for part in (*PLAIN, *SEGMENTS):
            if at(was, part) != at(self.flag.now, part):
                self.changes.setdefault(part, []).append((by_release, at(was, part), at(self.flag.now, part)))

    def expected(self, field: str, now: Any) -> Any:
        """Return the value that a plain field must have after the rollback."""
        by_release = [(before, after) for is_release, before, after in self.changes.get(field, []) if is_release]
        is_as_the_release_left_it = bool(by_release) and by_release[-1][1] == now
        return by_release[0][0] if is_as_the_release_left_it else now

    def somebody_changed(self, fields: Iterable[str]) -> bool:
        """True if one of the fields was changed by hand. A rollout or an allocation that the release ended may then stay ended."""
        return any(not is_release for field in fields for is_release, _, _ in self.changes.get(field, []))


def at(state: FlagState, part: str) -> Any:
    return getattr(state, part) if part in PLAIN else state.overrides.get(part)


def observed(start: FlagState, turns: list[Turn]) -> Observer:
    observer = Observer(start)
    for turn in turns:
        observer.turn(*turn)
    return observer


@given(flags(), TURNS)
def test_exactly_the_fields_that_are_as_the_release_left_them_are_reverted(start: FlagState, turns: list[Turn]) -> None:
    observer = observed(start, turns)
    before_rollback = observer.flag.now

    plan = observer.flag.roll_back()

    for field in PLAIN:
        expected, then = observer.expected(field, at(before_rollback, field)), at(observer.flag.now, field)
        stays = observer.somebody_changed(ENDED_BY.get(field, ())) and then == at(before_rollback, field)
        assert then == expected or stays, field
    by_hand_alone = [field for field in PLAIN if not any(is_release for is_release, _, _ in observer.changes.get(field, []))]
    assert not {left.field for left in plan.left_alone} & set(by_hand_alone)


@given(flags(), TURNS)
def test_overrides_changed_only_by_the_release_are_restored_and_untouched_ones_stay(start: FlagState, turns: list[Turn]) -> None:
    observer = observed(start, turns)
    before_rollback = observer.flag.now

    plan = observer.flag.roll_back()

    displaced = {left.field for left in plan.left_alone if left.because == "priority_taken"}
    for segment in SEGMENTS:
        by = {is_release for is_release, _, _ in observer.changes.get(segment, [])}
        if by <= {False}:
            assert at(observer.flag.now, segment) == at(before_rollback, segment), segment
        elif by == {True} and f"overrides/{segment}" not in displaced:
            assert at(observer.flag.now, segment) == at(start, segment), segment


@given(flags(), TURNS)
def test_a_rollback_only_produces_flags_that_the_store_accepts(before: FlagState, turns: list[Turn]) -> None:
    flag = ReleasedFlag(before)
    for by_release, stage, patch in turns:
        (flag.act(stage, patch) if by_release else flag.change_by_hand(patch))

    for force in (False, True):
        try:
            plan_change(flag.plan_rollback(force=force).patch, flag.now)
        except Invalid as invalid:
            pytest.fail(invalid.message)
