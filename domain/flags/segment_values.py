"""Normalize the values of segment conditions, so that every SDK reads them the same way."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from domain.flags.segment import Operator

LONGEST_SHOWN = 80

_VERSION = re.compile(r"(v?[0-9]\S*?)\s*:\s*semver")
_NUMBER_OR_BOOLEAN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|true|false", re.IGNORECASE)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class NormalizedValue(NamedTuple):
    """The stored form of a value, with a description of the changes, empty if there were none."""

    value: str
    changes: str = ""


def normalized_value(operator: Operator, value: str) -> NormalizedValue:
    """Return the value in the form that all SDKs parse the same way. Raise ValueError, phrased as "must ...", if there is none.

    Normalizing twice is the same as normalizing once, and a value never gets longer.
    """
    normalize = _NORMALIZERS.get(operator)
    return normalize(value) if normalize else NormalizedValue(value)


def shortened(text: str) -> str:
    """Return the beginning of a value, for a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _normalized_list(value: str) -> NormalizedValue:
    text = value.strip()
    array = _entries_of_array(text)
    entries = text.split(",") if array is None else array
    trimmed = [entry.strip() for entry in entries]
    kept = [entry for entry in trimmed if entry]
    if not kept:
        raise ValueError("must have at least one list entry")
    if split := next((entry for entry in kept if array is not None and "," in entry), None):
        raise ValueError(f"must not have an entry that contains a comma: use an EQUAL condition for '{shortened(split)}'")
    listed = ",".join(kept)
    if _reads_as_array(listed):
        raise ValueError("must be entries separated by commas, or a valid JSON array: SDKs would read this list differently")
    removed = [
        *(["spaces around list entries"] if trimmed != entries or text != value else []),
        *(["empty list entries"] if len(kept) < len(trimmed) else []),
    ]
    changes = ["the JSON array was rewritten as entries separated by commas"] if array is not None else []
    changes += [f"{' and '.join(removed)} were removed"] if removed else []
    return NormalizedValue(listed, ", and ".join(changes))


def _entries_of_array(text: str) -> list[str] | None:
    """The entries of a JSON array, numbers as they are written; None for a list in any other form."""
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except RecursionError:
        listed = [[]]
    except ValueError:
        return None
    return [_text_of(entry) for entry in listed]


def _text_of(entry: object) -> str:
    if isinstance(entry, list | dict):
        raise ValueError("must be a flat list")
    if entry is None:
        raise ValueError("must not have null as an entry")
    if _NOT_STORABLE.search(str(entry)):
        raise ValueError("must not contain the character NUL or half a surrogate pair")
    return str(entry).lower() if isinstance(entry, bool) else str(entry)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _reads_as_array(text: str) -> bool:
    """True if some SDK reads the list as a JSON array. The one for Python also reads NaN and Infinity."""
    if not text.startswith("["):
        return False
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _normalized_parts(value: str) -> NormalizedValue:
    text = "|".join(part.strip() for part in value.split("|"))
    return NormalizedValue(text, "" if text == value else "spaces around the divisor and the remainder were removed")


def _stripped(value: str) -> NormalizedValue:
    """Strip a number, a version or a date, for which outer spaces have no meaning."""
    text = value.strip()
    if version := _VERSION.fullmatch(text):
        text = f"{version[1]}:semver"
    return NormalizedValue(text, "spaces around the value were removed") if text and text != value else NormalizedValue(value)


def _stripped_literal(value: str) -> NormalizedValue:
    """Strip only a number, a version or a boolean. In any other text, outer spaces may be intended."""
    stripped = _stripped(value)
    is_literal = _NUMBER_OR_BOOLEAN.fullmatch(stripped.value) or _VERSION.fullmatch(stripped.value)
    return stripped if is_literal else NormalizedValue(value)


_NORMALIZERS: dict[Operator, Callable[[str], NormalizedValue]] = {
    Operator.IN: _normalized_list,
    Operator.MODULO: _normalized_parts,
    Operator.PERCENTAGE_SPLIT: _stripped,
    Operator.GREATER_THAN: _stripped,
    Operator.GREATER_THAN_INCLUSIVE: _stripped,
    Operator.LESS_THAN: _stripped,
    Operator.LESS_THAN_INCLUSIVE: _stripped,
    Operator.EQUAL: _stripped_literal,
    Operator.NOT_EQUAL: _stripped_literal,
}
"""CONTAINS, NOT_CONTAINS and REGEX are not listed, because spaces can be part of their text."""
