"""Percentages have two decimals, and a whole one is an integer."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.percentage import PartialPercentage, Percentage, steps_up

PERCENTAGE: TypeAdapter[Percentage] = TypeAdapter(Percentage)
PARTIAL: TypeAdapter[PartialPercentage] = TypeAdapter(PartialPercentage)
HUNDREDTHS = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1", "1"),
        ("100", "100"),
        ("10.0", "10"),
        ("10.00", "10"),
        ("1e1", "10"),
        ("0.5", "0.5"),
        ("0.50", "0.5"),
        ("0.01", "0.01"),
        ("99.99", "99.99"),
    ],
)
def test_a_percentage_is_written_as_short_as_possible(written: str, kept: str) -> None:
    assert PERCENTAGE.dump_json(PERCENTAGE.validate_json(written)).decode() == kept
    assert f"{PERCENTAGE.validate_json(written)}%" == f"{kept}%"


@pytest.mark.parametrize("wrong", [0, -1, 0.001, 0.005, 0.555, 33.333, 100.01, 101, 10**400, True, "10", None, float("nan"), float("inf")])
def test_a_percentage_out_of_range_or_with_more_than_two_decimals_is_rejected(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        PERCENTAGE.validate_python(wrong)


def test_everyone_is_not_a_part() -> None:
    assert PARTIAL.validate_python(99.99) == 99.99
    with pytest.raises(ValidationError):
        PARTIAL.validate_python(100)


def test_steps_below_one_percent_have_no_rounding_errors() -> None:
    assert steps_up(0.1, 0.1)[:3] == (0.1, 0.2, 0.3)
    assert steps_up(0.5, 33.3) == (0.5, 33.8, 67.1, 100)
    assert [repr(each) for each in steps_up(0.5, 0.25)[:4]] == ["0.5", "0.75", "1", "1.25"]


@given(initial=HUNDREDTHS, step=HUNDREDTHS)
def test_steps_are_as_exact_as_in_decimal_arithmetic(initial: int, step: int) -> None:
    first, more = Decimal(initial) / 100, Decimal(step) / 100
    expected = [first]
    while expected[-1] < 100:
        expected.append(min(expected[-1] + more, Decimal(100)))

    shares = steps_up(initial / 100, step / 100)

    assert [Decimal(str(share)) for share in shares] == expected
    assert all(isinstance(share, int) == (share == int(share)) for share in shares)
