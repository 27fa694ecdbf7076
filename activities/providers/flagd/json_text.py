"""Edits of JSON texts that keep everything else byte for byte: order, indentation, numbers and duplicates."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

LONGEST_LINE = 100
"""Characters of a value that is written on one line."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Member(NamedTuple):
    """A member of an object, with the positions of its key, of its value, and of the end of its value."""

    key: str
    start: int
    value: int
    end: int


def with_member(text: str, path: Sequence[str], value: Any) -> str:
    """Return a valid JSON text with one member set, or added as the last one. The objects on the path must exist."""
    *parents, key = path
    brace = _find(text, parents)
    present = _members(text, brace)
    gap = _gap_before(text, present[-1].start) if present else ""
    written = _written(value, gap.rpartition("\n")[2], _indentation(text, gap))
    if same := next((each for each in reversed(present) if each.key == key), None):
        return text[: same.value] + written + text[same.end :]
    member = f"{_line(key)}: {written}"
    if present:
        return f"{text[: present[-1].end]},{gap}{member}{text[present[-1].end :]}"
    return text[: brace + 1] + member + text[_after_space(text, brace + 1) :]


def without_member(text: str, path: Sequence[str]) -> str:
    """Return a valid JSON text without one member, which must exist."""
    *parents, key = path
    brace = _find(text, parents)
    present = _members(text, brace)
    index = next(index for index, each in enumerate(present) if each.key == key)
    if index:
        return text[: present[index - 1].end] + text[present[index].end :]
    following = present[1].start if len(present) > 1 else _after_space(text, present[0].end)
    return text[: present[0].start if len(present) > 1 else brace + 1] + text[following:]


def _find(text: str, path: Sequence[str]) -> int:
    """Return the position of the brace that opens an object. Of two members with the same key, the last one counts, as in parsers."""
    position = _after_space(text, 0)
    for key in path:
        position = next(each.value for each in reversed(_members(text, position)) if each.key == key)
    return position


def _members(text: str, brace: int) -> list[Member]:
    found = []
    position = _after_space(text, brace + 1)
    while text[position] != "}":
        key, end_of_key = _DECODER.raw_decode(text, position)
        value = _after_space(text, _after_space(text, end_of_key) + 1)
        _, end = _DECODER.raw_decode(text, value)
        found.append(Member(key, position, value, end))
        position = _after_space(text, end)
        if text[position] == ",":
            position = _after_space(text, position + 1)
    return found


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _gap_before(text: str, position: int) -> str:
    start = position
    while text[start - 1] in " \t\n\r":
        start -= 1
    return text[start:position]


def _indentation(text: str, gap: str) -> str:
    """Return a line break and one level of indentation, or nothing if the object is on one line."""
    if "\n" not in gap:
        return ""
    brace = _after_space(text, 0)
    outermost = text[brace + 1 : _after_space(text, brace + 1)]
    return ("\r\n" if "\r\n" in gap else "\n") + outermost.rpartition("\n")[2]


def _written(value: Any, margin: str, indentation: str) -> str:
    line = _line(value)
    if not indentation or len(line) <= LONGEST_LINE or not isinstance(value, dict | list):
        return line
    newline = indentation.rstrip(" \t")
    inner = margin + indentation[len(newline) :]
    if isinstance(value, dict):
        parts = [f"{_line(key)}: {_written(each, inner, indentation)}" for key, each in value.items()]
    else:
        parts = [_written(each, inner, indentation) for each in value]
    return line[0] + f"{newline}{inner}" + f",{newline}{inner}".join(parts) + f"{newline}{margin}" + line[-1]


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
