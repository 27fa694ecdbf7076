"""Layouts: identities keep their variant while shares change."""

from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.flags.allocation import Allocation, Share, Slot, allocation_of, grown_to, lies_between, percents, relaid, slots_of
from domain.percentage import from_hundredths, in_hundredths
from tests.domain.flag_strategies import VARIANT_KEYS, allocations

WHOLE = 10_000


def line(layout: Allocation) -> list[str | None]:
    """Return the variant of each hundredth of a percent."""
    found: list[str | None] = [None] * WHOLE
    for variant, share in layout.items():
        for start, end in share.at:
            assert set(found[start:end]) == {None}
            found[start:end] = [variant] * (end - start)
    return found


def shares(layout: Allocation) -> dict[str, int]:
    """Return the size of each variant's part, in hundredths of a percent."""
    return {variant: sum(end - start for start, end in share.at) for variant, share in layout.items()}


def spans(layout: Allocation) -> dict[str, Any]:
    """Return the spans of each variant."""
    return {variant: share.at for variant, share in layout.items()}


def laid_out(wanted: dict[str, float], now: Allocation | None = None) -> Allocation:
    """Return the shares, laid out from those now."""
    return relaid(now or {}, TypeAdapter(Allocation).validate_python(wanted))


@given(st.lists(allocations(), min_size=1, max_size=8))
def test_each_variant_has_its_share_after_any_sequence_of_changes(steps: list[Allocation]) -> None:
    layout: Allocation = {}
    for allocation in steps:
        layout = relaid(layout, allocation)

        assert shares(layout) == {variant: in_hundredths(share.percent) for variant, share in allocation.items()}
        assert len([each for each in line(layout) if each]) == sum(shares(layout).values())
        assert spans(relaid(layout, allocation)) == spans(layout)


@given(st.lists(allocations(), min_size=2, max_size=8))
def test_a_variant_changes_only_from_one_that_shrank_to_one_that_grew(steps: list[Allocation]) -> None:
    layouts = list(accumulate(steps, relaid, initial=dict[str, Share]()))

    for before, after in pairwise(layouts):
        sizes = shares(before), shares(after)
        grew = {variant for variant in sizes[1] if sizes[1][variant] > sizes[0].get(variant, 0)}
        shrank = {variant for variant in sizes[0] if sizes[0][variant] > sizes[1].get(variant, 0)}
        moved = {(old, new) for old, new in zip(line(before), line(after), strict=True) if old != new}
        assert {old for old, _ in moved} <= shrank | {None}
        assert {new for _, new in moved} <= grew | {None}


@given(st.lists(allocations(), min_size=2, max_size=6))
def test_as_few_places_change_as_the_shares_allow(steps: list[Allocation]) -> None:
    for before, after in pairwise(accumulate(steps, relaid, initial=dict[str, Share]())):
        old, new = (shares(each) | {"": WHOLE - sum(shares(each).values())} for each in (before, after))
        moved = sum(a != b for a, b in zip(line(before), line(after), strict=True))
        assert moved == sum(max(new.get(variant, 0) - old.get(variant, 0), 0) for variant in {*old, *new})


def test_a_variant_that_grows_and_shrinks_again_has_the_same_identities_as_before() -> None:
    two = laid_out({"a": 10, "b": 10})

    grown = laid_out({"a": 60.5, "b": 10}, two)

    assert spans(grown) == {"a": ((0, 1_000), (2_000, 7_050)), "b": ((1_000, 2_000),)}
    assert spans(laid_out({"a": 10, "b": 10}, grown)) == spans(two)
    assert spans(laid_out({"a": 10, "b": 10}, laid_out({"a": 20}, two))) == spans(two)


def test_a_winner_that_is_ramped_takes_from_the_others_only_what_they_give_back() -> None:
    two = laid_out({"a": 50, "b": 50})

    ramped = laid_out({"a": 75, "b": 25}, two)

    assert spans(ramped) == {"a": ((0, 5_000), (7_500, 10_000)), "b": ((5_000, 7_500),)}
    assert spans(laid_out({"a": 100}, ramped)) == {"a": ((0, 5_000), (7_500, 10_000), (5_000, 7_500))}


@given(allocations(), st.sampled_from([*VARIANT_KEYS, "new"]), st.integers(1, 10_000), st.lists(st.integers(1, 10_000), max_size=4))
def test_nobody_moves_except_to_the_variant_that_grows(allocation: Allocation, variant: str, initial: int, more: list[int]) -> None:
    before = relaid({}, allocation)
    for size in sorted([initial, *more]):
        wanted = grown_to(before, variant, from_hundredths(size))
        after = relaid(before, wanted)

        assert shares(after)[variant] == max(size, shares(before).get(variant, 0))
        assert {new for old, new in zip(line(before), line(after), strict=True) if old != new} <= {variant}
        assert grown_to(after, variant, from_hundredths(size)) == wanted
        before = after


@pytest.mark.parametrize(
    ("now", "percent", "after"),
    [
        ({"a": 30, "b": 30}, 65, {"a": 65, "b": 15}),
        ({"a": 50, "b": 50}, 80, {"a": 80, "b": 20}),
        ({"a": 50}, 60, {"a": 60}),
        ({}, 10, {"a": 10}),
        ({"a": 33.33, "b": 33.33, "c": 33.34}, 66.67, {"a": 66.67, "b": 16.66, "c": 16.67}),
        ({"a": 0.01, "b": 0.01}, 99.99, {"a": 99.99}),
        ({"a": 70, "b": 30}, 60, {"a": 70, "b": 30}),
        ({"a": 30, "b": 30}, 100, {"a": 100}),
    ],
)
def test_the_others_and_the_plain_value_give_up_in_proportion(now: dict[str, float], percent: float, after: dict[str, float]) -> None:
    assert percents(grown_to(laid_out(now), "a", percent)) == after


def test_slots_follow_each_other_and_end_with_a_variant() -> None:
    layout = laid_out({"b": 0.5, "c": 20.25}, laid_out({"b": 0.5, "c": 20}, laid_out({"a": 10, "b": 0.5, "c": 20})))

    assert slots_of(layout) == (Slot(0.25, "c"), Slot(9.75, None), Slot(0.5, "b"), Slot(20, "c"))
    assert slots_of({}) == ()


def test_a_share_is_written_as_a_number_or_with_its_part_of_the_line() -> None:
    read = TypeAdapter(Allocation)

    assert read.dump_python(read.validate_python({"b": 10, "a": 0.5})) == {"a": 0.5, "b": 10}
    assert read.dump_python(laid_out({"b": 10}), mode="json") == {"b": {"percent": 10, "at": [[0, 1000]]}}
    assert read.validate_json('{"b": {"percent": 10, "at": [[0, 1000]]}}') == read.validate_python({"b": 10})


@pytest.mark.parametrize(
    ("given_shares", "message"),
    [
        ({"a": 60, "b": 40.01}, "must not add up to more than 100%"),
        ({"a": 0}, "greater than or equal to 0.01"),
        ({"A": 1}, "String should match pattern"),
        ({"a": 0.001}, "at most two decimals"),
        ({"a": {"percent": 10, "at": [[0, 900]]}}, "as large as the share"),
        ({"a": {"percent": 10, "at": [[0, 1000]]}, "b": {"percent": 1, "at": [[999, 1099]]}}, "the same part of the line"),
        ({"a": {"percent": 1, "at": [[9999, 10099]]}}, "less than or equal to 10000"),
    ],
)
def test_an_allocation_that_can_not_be_served_is_refused(given_shares: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(Allocation).validate_python(given_shares)


@given(allocations(), allocations())
def test_slots_are_the_whole_layout(first: Allocation, second: Allocation) -> None:
    layout = relaid(relaid({}, first), second)

    assert line(allocation_of(slots_of(layout))) == line(layout)


@given(allocations(), allocations(), st.integers(0, WHOLE))
def test_layout_on_its_way_has_each_place_from_before_or_after(first: Allocation, second: Allocation, edge: int) -> None:
    before = relaid({}, first)
    after = relaid(before, second)
    mixed = [*line(after)[:edge], *line(before)[edge:]]
    on_its_way = allocation_of(Slot(0.01, variant) for variant in mixed)

    assert lies_between(before, before, after)
    assert lies_between(after, before, after)
    assert lies_between(on_its_way, before, after)
    if line(before) != line(after):
        assert not lies_between(after, before, before)


def test_layout_with_a_variant_of_neither_does_not_lie_between() -> None:
    before, after = laid_out({"a": 10}), laid_out({"a": 20})

    assert lies_between(laid_out({"a": 15}), before, after)
    assert not lies_between(laid_out({"a": 25}), before, after)
    assert not lies_between(laid_out({"a": 5}), before, after)
    assert not lies_between(laid_out({"b": 15}), before, after)
