"""Readings of a condition's value: a number, a boolean, a version, a list or the parts of a modulo."""

import re
from decimal import Decimal, InvalidOperation

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_LITERAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}
_SEMVER = ":semver"

VERSION = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
)
"""A version of Semantic Versioning 2.0.0."""

LARGEST_EXPONENT = 30


def plain_number(text: str) -> Decimal | None:
    """Return the number, if the text is one without an exponent. Flagsmith's engine for Python turns such traits into numbers."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def bound(text: str) -> Decimal | None:
    """Return the number, if the text is a number in any form that all engines parse."""
    return Decimal(text) if _LITERAL.fullmatch(text) else None


def is_of_ordinary_size(number: Decimal) -> bool:
    """True if the number can be written out in a pattern."""
    return not number or abs(number.adjusted()) <= LARGEST_EXPONENT


def boolean(text: str) -> bool | None:
    """Return the boolean, if the text is one."""
    return _BOOLEANS.get(text.lower())


def is_version(text: str) -> bool:
    """True if the value asks for a comparison of versions, by the suffix `:semver`."""
    return text.endswith(_SEMVER)


def is_valid_version(text: str) -> bool:
    """True if the value, with its suffix, has a version that all engines parse."""
    return bool(re.match(VERSION, text.removesuffix(_SEMVER)))


def modulo_parts(text: str) -> tuple[Decimal, Decimal] | None:
    """Return the divisor and the remainder, the divisor positive and the remainder not negative. None if no number can match."""
    try:
        divisor, remainder = (Decimal(part) for part in text.split("|"))
    except (ValueError, InvalidOperation):
        return None
    if not (divisor.is_finite() and remainder.is_finite() and divisor):
        return None
    if divisor < 0 and divisor < remainder <= 0:
        divisor, remainder = -divisor, remainder - divisor if remainder else Decimal(0)
    return (divisor, remainder) if 0 <= remainder < divisor else None
