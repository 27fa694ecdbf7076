"""The net change of a release, without repeated changes and without what was rolled back."""

from hypothesis import given
from hypothesis import strategies as st

from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch, OverridePatch
from domain.releases.net_change import Pair, UndoScope, environments_changed, net_changes
from tests.domain.flag_strategies import flags, patches
from tests.domain.released_flag import ReleasedFlag

STAGES = range(4)


def net_fields(flag: ReleasedFlag, undoes_from: int = 0) -> dict[str, Pair]:
    nets = net_changes(flag.changes, UndoScope(undoes_from, flag.stage_of_visit), {"production": flag.seen})
    return nets["production"].fields if nets else {}


def test_the_net_change_spans_the_first_to_the_last_change_of_a_field() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(0, FlagPatch(value="b"))
    flag.act(1, FlagPatch(value="c", enabled=True))

    assert net_fields(flag) == {"value": Pair("a", "c"), "enabled": Pair(False, True)}
    assert net_fields(flag, 1) == {"value": Pair("b", "c"), "enabled": Pair(False, True)}
    assert net_fields(flag, 2) == {}


def test_a_field_that_already_had_its_target_value_is_not_included() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(0, FlagPatch(value="a", enabled=True))

    assert net_fields(flag) == {"enabled": Pair(False, True)}


def test_a_field_that_the_release_itself_changed_back_is_not_included() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(0, FlagPatch(value="b"))
    flag.act(1, FlagPatch(value="a"))

    assert net_fields(flag) == {}


def test_fields_reverted_by_an_earlier_rollback_are_not_counted_again() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(0, FlagPatch(value="b"))
    flag.act(1, FlagPatch(value="c"))
    flag.act(2, FlagPatch(value="d"))
    flag.roll_back(1)
    assert flag.now.value == "b"
    flag.act(2, FlagPatch(value="d"))  # Stage 1 was skipped.

    assert net_fields(flag, 2) == {"value": Pair("b", "d")}
    assert net_fields(flag) == {"value": Pair("a", "d")}


def test_only_environments_with_changes_to_undo_are_listed() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(0, FlagPatch(value="a"))
    flag.act(1, FlagPatch(value="b"))

    assert environments_changed(flag.changes, UndoScope(0, flag.stage_of_visit)) == ["production"]
    assert environments_changed(flag.changes, UndoScope(2, flag.stage_of_visit)) == []
    assert environments_changed(flag.changes[:1], UndoScope(0, flag.stage_of_visit)) == []


@given(flags(), st.lists(st.tuples(st.sampled_from(STAGES), patches())), st.booleans())
def test_a_flag_changed_only_by_the_release_is_restored_exactly(start: FlagState, acts: list[tuple[int, FlagPatch]], force: bool) -> None:
    flag = ReleasedFlag(start)
    for stage, patch in acts:
        flag.act(stage, patch)

    plan = flag.roll_back(force=force)

    assert flag.now == start
    assert plan.left_alone == ()


@given(flags(), st.lists(patches(), min_size=4, max_size=4), st.sampled_from(STAGES))
def test_rolling_back_to_a_stage_restores_the_state_after_it(start: FlagState, acts: list[FlagPatch], stage: int) -> None:
    flag = ReleasedFlag(start)
    states = []
    for index, patch in enumerate(acts):
        flag.act(index, patch)
        states.append(flag.now)

    flag.roll_back(stage + 1)

    assert flag.now == states[stage]


@given(
    flags(),
    st.lists(st.tuples(st.lists(st.tuples(st.sampled_from(STAGES), patches()), min_size=1), st.sampled_from(range(1, 4))), max_size=4),
)
def test_a_release_can_be_undone_after_any_number_of_partial_rollbacks(
    start: FlagState, rounds: list[tuple[list[tuple[int, FlagPatch]], int]]
) -> None:
    flag = ReleasedFlag(start)
    for acts, undoes_from in rounds:
        for stage, patch in acts:
            flag.act(stage, patch)
        flag.roll_back(undoes_from)

    flag.roll_back()

    assert flag.now == start


@given(flags(), st.lists(st.tuples(st.sampled_from(STAGES), patches()), min_size=1), patches(), st.booleans())
def test_a_second_rollback_changes_nothing(start: FlagState, acts: list[tuple[int, FlagPatch]], manual: FlagPatch, force: bool) -> None:
    flag = ReleasedFlag(start)
    for stage, patch in acts:
        flag.act(stage, patch)
    flag.change_by_hand(manual)
    flag.roll_back(force=force)
    once = flag.now

    again = flag.roll_back(force=force)

    assert flag.now == once
    assert again.patch.named == set()


def test_a_forced_rollback_also_removes_an_override_that_an_earlier_one_kept() -> None:
    flag = ReleasedFlag(FlagState(value="a"))
    flag.act(1, FlagPatch(overrides={"beta": OverridePatch(enabled=True)}))
    flag.change_by_hand(FlagPatch(overrides={"beta": OverridePatch(value="by hand")}))
    flag.roll_back(1)
    assert flag.now.overrides["beta"].inherits == ("enabled",)

    flag.roll_back(1, force=True)

    assert flag.now.overrides == {}
