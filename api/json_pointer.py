"""Paths into the document that was sent, from pydantic's locations."""

from collections.abc import Sequence
from typing import Any

_TAGS = {"overrides": ("segments", "remove")}
"""Unions whose members are distinguished by shape: the field, and the names that pydantic gives the members."""


def path_of(location: Sequence[int | str], document: Any) -> list[int | str]:
    """Return the path of a mistake. A location also names the members of unions, which the document does not contain."""
    path: list[int | str] = []
    node, may_be_tag = document, True
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        if may_be_tag and _is_tag(part, node, path, is_last=is_last):
            may_be_tag = False
            continue
        if not _is_in_document(part, node, is_last=is_last):
            continue
        node = node.get(part) if isinstance(node, dict) else node[part]
        path.append(part)
        may_be_tag = True
    return path


def _is_tag(part: int | str, node: Any, path: list[int | str], *, is_last: bool) -> bool:
    if path and part in _TAGS.get(str(path[-1]), ()):
        return True
    return isinstance(node, dict) and part == node.get("type") and not (is_last and part in node)


def _is_in_document(part: int | str, node: Any, *, is_last: bool) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and (part in node or (is_last and part != "[key]"))
