"""Percentages of identities, with at most two decimals. A whole one is an integer, in memory and in JSON."""

import math
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

EVERYONE = 100
MOST_DECIMALS = 2

_HUNDREDTHS = 100


def _with_two_decimals(number: object) -> int | float:
    """Return the number, as an integer if it is whole, so that equal percentages are also written alike."""
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    if isinstance(number, float) and math.isfinite(number) and round(number, MOST_DECIMALS) == number:
        return int(number) if number.is_integer() else number
    raise ValueError("must be a number with at most two decimals, such as 10 or 0.5")


Percentage = Annotated[
    int | float,
    BeforeValidator(_with_two_decimals),
    Field(ge=0.01, le=EVERYONE),
    WithJsonSchema({"type": "number", "minimum": 0.01, "maximum": EVERYONE, "description": "In percent, with at most two decimals"}),
]
"""A percentage from 0.01 to 100."""

PartialPercentage = Annotated[
    int | float,
    BeforeValidator(_with_two_decimals),
    Field(ge=0.01, le=99.99),
    WithJsonSchema({"type": "number", "minimum": 0.01, "maximum": 99.99, "description": "In percent, with at most two decimals"}),
]
"""A percentage of some identities but not all, from 0.01 to 99.99."""


@lru_cache
def steps_up(initial: Percentage, step: Percentage) -> tuple[Percentage, ...]:
    """Return the percentages from the initial one up to everyone. They are counted in hundredths, so that rounding errors can't add up."""
    growing = range(in_hundredths(initial), EVERYONE * _HUNDREDTHS, in_hundredths(step))
    return (*map(from_hundredths, growing), EVERYONE)


def in_hundredths(percentage: Percentage) -> int:
    """Return the percentage in hundredths of a percent."""
    return round(percentage * _HUNDREDTHS)


def from_hundredths(hundredths: int) -> Percentage:
    """Return a percentage given in hundredths of a percent."""
    return _with_two_decimals(hundredths / _HUNDREDTHS)
