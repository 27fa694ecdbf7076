"""What a release changed, net of what it did twice and of what was undone meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch, OverridePatch
from domain.releases.net_change import Pair, UndoScope, environments_changed, net_changes
from tests.domain.flag_strategies import flags, patches
from tests.domain.journey import Journey

STAGES = range(4)


def net_fields(journey: Journey, undoes_from: int = 0) -> dict[str, Pair]:
    nets = net_changes(journey.changes, UndoScope(undoes_from, journey.stage_of_visit), {"production": journey.seen})
    return nets["production"].fields if nets else {}


def test_the_net_goes_from_before_the_first_change_of_a_field_to_after_its_last() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(0, FlagPatch(value="b"))
    journey.act(1, FlagPatch(value="c", enabled=True))

    assert net_fields(journey) == {"value": Pair("a", "c"), "enabled": Pair(False, True)}
    assert net_fields(journey, 1) == {"value": Pair("b", "c"), "enabled": Pair(False, True)}
    assert net_fields(journey, 2) == {}


def test_a_field_that_was_at_its_target_already_is_not_the_releases_doing() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(0, FlagPatch(value="a", enabled=True))

    assert net_fields(journey) == {"enabled": Pair(False, True)}


def test_a_field_that_the_release_brought_back_itself_is_not_changed() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(0, FlagPatch(value="b"))
    journey.act(1, FlagPatch(value="a"))

    assert net_fields(journey) == {}


def test_what_an_earlier_rollback_put_back_does_not_count_again() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(0, FlagPatch(value="b"))
    journey.act(1, FlagPatch(value="c"))
    journey.act(2, FlagPatch(value="d"))
    journey.roll_back(1)
    assert journey.now.value == "b"
    journey.act(2, FlagPatch(value="d"))  # The stage between was skipped.

    assert net_fields(journey, 2) == {"value": Pair("b", "d")}
    assert net_fields(journey) == {"value": Pair("a", "d")}


def test_environments_are_told_in_which_something_is_to_be_undone() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(0, FlagPatch(value="a"))
    journey.act(1, FlagPatch(value="b"))

    assert environments_changed(journey.changes, UndoScope(0, journey.stage_of_visit)) == ["production"]
    assert environments_changed(journey.changes, UndoScope(2, journey.stage_of_visit)) == []
    assert environments_changed(journey.changes[:1], UndoScope(0, journey.stage_of_visit)) == []


@given(flags(), st.lists(st.tuples(st.sampled_from(STAGES), patches())), st.booleans())
def test_a_flag_that_nobody_else_touched_is_put_back_to_the_letter(
    start: FlagState, acts: list[tuple[int, FlagPatch]], force: bool
) -> None:
    journey = Journey(start)
    for stage, patch in acts:
        journey.act(stage, patch)

    rolled = journey.roll_back(force=force)

    assert journey.now == start
    assert rolled.left_alone == ()


@given(flags(), st.lists(patches(), min_size=4, max_size=4), st.sampled_from(STAGES))
def test_rolling_back_to_a_stage_leaves_what_that_stage_left(start: FlagState, acts: list[FlagPatch], stage: int) -> None:
    journey = Journey(start)
    states = []
    for index, patch in enumerate(acts):
        journey.act(index, patch)
        states.append(journey.now)

    journey.roll_back(stage + 1)

    assert journey.now == states[stage]


@given(
    flags(),
    st.lists(st.tuples(st.lists(st.tuples(st.sampled_from(STAGES), patches()), min_size=1), st.sampled_from(range(1, 4))), max_size=4),
)
def test_however_often_a_release_was_rolled_back_to_a_stage_and_went_on_it_can_be_undone(
    start: FlagState, rounds: list[tuple[list[tuple[int, FlagPatch]], int]]
) -> None:
    journey = Journey(start)
    for acts, undoes_from in rounds:
        for stage, patch in acts:
            journey.act(stage, patch)
        journey.roll_back(undoes_from)

    journey.roll_back()

    assert journey.now == start


@given(flags(), st.lists(st.tuples(st.sampled_from(STAGES), patches()), min_size=1), patches(), st.booleans())
def test_rolling_back_twice_is_the_same_as_rolling_back_once(
    start: FlagState, acts: list[tuple[int, FlagPatch]], hand: FlagPatch, force: bool
) -> None:
    journey = Journey(start)
    for stage, patch in acts:
        journey.act(stage, patch)
    journey.by_hand(hand)
    journey.roll_back(force=force)
    once = journey.now

    again = journey.roll_back(force=force)

    assert journey.now == once
    assert again.patch.named == set()


def test_an_override_whose_rest_somebody_changed_is_still_the_releases_in_what_it_set() -> None:
    journey = Journey(FlagState(value="a"))
    journey.act(1, FlagPatch(overrides={"beta": OverridePatch(enabled=True)}))
    journey.by_hand(FlagPatch(overrides={"beta": OverridePatch(value="by hand")}))
    journey.roll_back(1)
    assert journey.now.overrides["beta"].inherits == ("enabled",)

    journey.roll_back(1, force=True)

    assert journey.now.overrides == {}
