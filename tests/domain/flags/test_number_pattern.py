"""Patterns that compare numbers by their digits."""

import operator
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags.number_pattern import BOUNDS, beyond, equal_to
from domain.flags.segment import Operator

COMPARE = {
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_INCLUSIVE: operator.ge,
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_INCLUSIVE: operator.le,
}

NUMBERS = st.decimals(-2_000, 2_000, places=3) | st.integers(-1_000, 1_000).map(Decimal) | st.sampled_from([Decimal(0), Decimal("-0")])


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """A number as text, perhaps with needless zeros."""
    number = draw(NUMBERS)
    digits, _, decimals = f"{abs(number):f}".partition(".")
    padded = decimals + "0" * draw(st.integers(0, 2)) if draw(st.booleans()) else decimals.rstrip("0")
    return ("-" if number < 0 else "") + "0" * draw(st.integers(0, 2)) + digits + (f".{padded}" if padded else "")


@given(st.sampled_from(BOUNDS), NUMBERS, spellings())
def test_a_pattern_compares_numbers_however_they_are_spelled(comparison: Operator, bound: Decimal, text: str) -> None:
    assert bool(re.match(beyond(comparison, bound), text)) == COMPARE[comparison](Decimal(text), bound)


@given(NUMBERS, spellings())
def test_a_pattern_matches_every_spelling_of_one_number(number: Decimal, text: str) -> None:
    assert bool(re.fullmatch(equal_to(number), text)) == (Decimal(text) == number)


def test_neighbouring_numbers_are_told_apart() -> None:
    numbers = [Decimal(number) / 4 for number in range(-90, 91)]
    for comparison in BOUNDS:
        for bound in numbers:
            pattern = re.compile(beyond(comparison, bound))
            assert [bool(pattern.match(f"{each:f}")) for each in numbers] == [COMPARE[comparison](each, bound) for each in numbers]


@pytest.mark.parametrize("text", ["", "-", ".", "5.", ".5", "+5", " 5", "5 ", "abc", "true", "5x", "x5", "1.2.3", "--5"])
def test_text_that_is_no_number_is_beyond_no_bound(text: str) -> None:
    assert not any(re.match(beyond(comparison, Decimal(bound)), text) for comparison in BOUNDS for bound in ("-5", "0", "5", "5.5", "7.25"))


@pytest.mark.parametrize(
    ("text", "above", "below"), [("1.2E7", True, False), ("1e+21", True, False), ("-1.2E7", False, True), ("5.0E-4", True, False)]
)
def test_a_number_with_an_exponent_is_beyond_bounds_of_an_ordinary_size(text: str, above: bool, below: bool) -> None:
    assert bool(re.match(beyond(Operator.GREATER_THAN, Decimal(0)), text)) == above
    assert bool(re.match(beyond(Operator.LESS_THAN, Decimal(0)), text)) == below
    assert bool(re.match(beyond(Operator.GREATER_THAN, Decimal("-2.5")), text)) == (above or text == "5.0E-4")
