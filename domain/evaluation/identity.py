"""Identities, for which flags are evaluated, and their traits."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import Invalid

Trait = str | int | float | bool

LONGEST_IDENTIFIER = 300
MOST_TRAITS = 100
LONGEST_TRAIT_KEY = 200
LONGEST_TRAIT = 2_000
LARGEST_TRAIT = 2**63 - 1

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_TOO_MANY_DIGITS = re.compile(r"-?[0-9]{301,}")
"""The engine converts digits to a number, and fails on one too large for a float."""


class Identity(NamedTuple):
    """A user or device for which flags are evaluated. Its identifier is empty if only its traits are known."""

    identifier: str
    traits: Mapping[str, Trait] = {}


def check_identifier(identifier: object) -> str:
    """Return the identifier. Raise Invalid if it can't be stored or hashed."""
    if not isinstance(identifier, str) or not 1 <= len(identifier) <= LONGEST_IDENTIFIER or _NOT_STORABLE.search(identifier):
        raise Invalid(f"The identifier must be a string of 1 to {LONGEST_IDENTIFIER} characters, without NUL.")
    return identifier


def check_traits(traits: Mapping[str, object]) -> dict[str, Trait]:
    """Return the traits. Raise Invalid if there are too many, or if one is too large or not a string, number or boolean."""
    if len(traits) > MOST_TRAITS:
        raise Invalid(f"An identity can have at most {MOST_TRAITS} traits.")
    return {_check_key(key): _check_trait(key, value) for key, value in traits.items()}


def _check_key(key: str) -> str:
    if not 1 <= len(key) <= LONGEST_TRAIT_KEY or _NOT_STORABLE.search(key):
        raise Invalid(f"The key of a trait must have 1 to {LONGEST_TRAIT_KEY} characters, without NUL.")
    return key


def _check_trait(key: str, value: object) -> Trait:
    match value:
        case str() if len(value) <= LONGEST_TRAIT and not _NOT_STORABLE.search(value) and not _TOO_MANY_DIGITS.fullmatch(value):
            return value
        case bool():
            return value
        case int() if abs(value) <= LARGEST_TRAIT:
            return value
        case float() if math.isfinite(value):
            return value
    raise Invalid(
        f"The trait '{key[:64].encode('ascii', 'replace').decode()}' must be a string of at most {LONGEST_TRAIT} characters (300 digits), "
        "a number of at most 64 bits, or a boolean."
    )
