"""Regular expressions that compare numbers by their digits, for engines that would compare numbers and text differently.

A pattern matches the text of a number, however it is spelled: `5`, `05`, `5.0`. So a number and the same number sent as text are
equal. Patterns use only syntax that Python, JavaScript, Go and Java share, and match in linear time.
"""

from decimal import Decimal
from typing import NamedTuple

from domain.flags.segment import Operator

_FRACTION = r"(?:\.[0-9]+)?"
_HUGE = rf"[0-9]{_FRACTION}[eE]\+?[0-9]+"
"""A number with a positive exponent. Engines write one only from 10 million on, in Java, or later."""
_TINY = rf"[0-9]{_FRACTION}[eE]-[0-9]+"
_UNSIGNED = rf"(?:[0-9]+{_FRACTION}|{_HUGE}|{_TINY})"

NUMBER = rf"^-?{_UNSIGNED}$"
"""Any number, as text."""

PLAIN_NUMBER = rf"^-?[0-9]+{_FRACTION}$"
"""Any number without an exponent, as text. Flagsmith's engine for Python turns such text into a number."""

BOUNDS = (Operator.GREATER_THAN, Operator.GREATER_THAN_INCLUSIVE, Operator.LESS_THAN, Operator.LESS_THAN_INCLUSIVE)


class _Magnitude(NamedTuple):
    """A number without its sign: digits without leading zeros, and decimals without trailing ones."""

    digits: str
    decimals: str


def equal_to(number: Decimal) -> str:
    """Return the pattern, without anchors, of all spellings of a number."""
    magnitude = _magnitude(number)
    sign = "-?" if not number else "-" if number < 0 else ""
    return sign + _same(magnitude)


def beyond(operator: Operator, bound: Decimal) -> str:
    """Return the pattern of all numbers beyond a bound, in the sense of one of the four comparisons."""
    up = operator in (Operator.GREATER_THAN, Operator.GREATER_THAN_INCLUSIVE)
    inclusive = operator in (Operator.GREATER_THAN_INCLUSIVE, Operator.LESS_THAN_INCLUSIVE)
    alternatives = _above(bound) if up else _below(bound)
    return f"^({'|'.join([*alternatives, *([equal_to(bound)] if inclusive else [])])})$"


def _above(bound: Decimal) -> list[str]:
    if bound >= 0:
        return _larger(_magnitude(bound))
    return [_UNSIGNED, *(f"-{each}" for each in _smaller(_magnitude(bound)))]


def _below(bound: Decimal) -> list[str]:
    if bound <= 0:
        return [f"-{each}" for each in _larger(_magnitude(bound))]
    return [f"-{_UNSIGNED}", *_smaller(_magnitude(bound))]


def _same(magnitude: _Magnitude) -> str:
    digits, decimals = magnitude
    return f"0*{digits}" + (rf"\.{decimals}0*" if decimals else r"(?:\.0+)?")


def _larger(magnitude: _Magnitude) -> list[str]:
    digits, decimals = magnitude
    more_digits = f"0*[1-9][0-9]{{{len(digits)},}}{_FRACTION}"
    higher_digit = [
        f"0*{digits[:at]}{_range(int(digit) + 1, 9)}{_any(len(digits) - at - 1)}{_FRACTION}"
        for at, digit in enumerate(digits)
        if digit < "9"
    ]
    higher_decimal = [rf"0*{digits}\.{decimals[:at]}{_range(int(digit) + 1, 9)}[0-9]*" for at, digit in enumerate(decimals) if digit < "9"]
    more_decimals = rf"0*{digits}\.{decimals}0*[1-9][0-9]*"
    return [more_digits, *higher_digit, *higher_decimal, more_decimals, _HUGE, *([] if digits != "0" or decimals else [_TINY])]


def _smaller(magnitude: _Magnitude) -> list[str]:
    digits, decimals = magnitude
    fewer_digits = [f"0*[0-9]{{1,{len(digits) - 1}}}{_FRACTION}"] if len(digits) > 1 else []
    lower_digit = [
        f"0*{digits[:at]}{_range(0, int(digit) - 1)}{_any(len(digits) - at - 1)}{_FRACTION}"
        for at, digit in enumerate(digits)
        if digit > "0"
    ]
    lower_decimal = [rf"0*{digits}\.{decimals[:at]}{_range(0, int(digit) - 1)}[0-9]*" for at, digit in enumerate(decimals) if digit > "0"]
    fewer_decimals = [rf"0*{digits}\.(?:{'|'.join(decimals[:count] for count in range(1, len(decimals)))})"] if decimals[1:] else []
    no_decimals = [f"0*{digits}"] if decimals else []
    return [*fewer_digits, *lower_digit, *lower_decimal, *fewer_decimals, *no_decimals, _TINY]


def _magnitude(number: Decimal) -> _Magnitude:
    digits, _, decimals = f"{abs(number):f}".partition(".")
    return _Magnitude(digits.lstrip("0") or "0", decimals.rstrip("0"))


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"[{first}-{last}]"


def _any(count: int) -> str:
    return f"[0-9]{{{count}}}" if count > 1 else "[0-9]" * count
