"""JSON pointers (RFC 6901) into the document that was sent, from pydantic's locations."""

from collections.abc import Sequence
from typing import Any

_TAGS = {"overrides": ("segments", "remove")}
"""Unions that are told apart by their shape: the field, and the names that pydantic gives their members."""


def pointer_of(location: Sequence[int | str], document: Any) -> str:
    """Where a mistake is; a location also names the members of unions, which the document does not have."""
    parts: list[str | int] = []
    here, may_be_tag = document, True
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        if may_be_tag and _is_tag(part, here, parts, is_last=is_last):
            may_be_tag = False
            continue
        if not _leads_on(part, here, is_last=is_last):
            continue
        here = here.get(part) if isinstance(here, dict) else here[part]
        parts.append(part)
        may_be_tag = True
    return written(parts)


def written(parts: Sequence[int | str]) -> str:
    """A pointer, escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _is_tag(part: int | str, here: Any, parts: list[str | int], *, is_last: bool) -> bool:
    if parts and part in _TAGS.get(str(parts[-1]), ()):
        return True
    return isinstance(here, dict) and part == here.get("type") and not (is_last and part in here)


def _leads_on(part: int | str, here: Any, *, is_last: bool) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, dict) and (part in here or (is_last and part != "[key]"))
