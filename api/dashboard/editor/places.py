"""The places of problems in the form of a pipeline."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from api.dashboard.editor.sheet import Sheet
from domain.errors import Problem

_REFERENCES = ("value_from", "at_from")
"""Parts of a pointer that the form leaves out: the field below, `parameter`, has its place in the object above."""


class Mark(NamedTuple):
    """A problem at a field or a group of the form. An empty place stands for the whole pipeline."""

    place: str
    message: str

    @property
    def where(self) -> str:
        """The place in words: `Stage 2, trigger, duration`."""
        words: list[str] = []
        for part in filter(None, self.place.split(".")):
            if part.isdecimal():
                words[-1] = f"{words[-1].removesuffix('s')} {int(part) + 1}"
            else:
                words.append(part.replace("_", " "))
        return ", ".join(words).capitalize()


def marks_of(problems: Iterable[Problem], sheet: Sheet) -> list[Mark]:
    """Return each problem at its place."""
    return list(dict.fromkeys(Mark(place_of(each.pointer, sheet), each.message) for each in problems))


def by_place(marks: Iterable[Mark]) -> dict[str, list[str]]:
    """Return place -> messages."""
    found = defaultdict[str, list[str]](list)
    for mark in marks:
        found[mark.place].append(mark.message)
    return found


def place_of(pointer: str, sheet: Sheet) -> str:
    """Return the place of the innermost field or group of the form to which a JSON pointer leads."""
    node: Any = sheet
    place: list[str] = []
    for part in _parts(pointer):
        if isinstance(node, list):
            row = _row(part, node)
            if row is None:
                break
            node = node[row]
            place.append(str(row))
        elif isinstance(node, dict) and part in node:
            node = node[part]
            place.append(part)
        elif part not in _REFERENCES:
            break
    return ".".join(place)


def _row(part: str, rows: Sequence[Sheet]) -> int | None:
    """Return the number of the row with this number or, of parameters, with this name."""
    named = [number for number, row in enumerate(rows) if row.get("name", "").strip() == part and "default" in row]
    numbered = [int(part)] if part.isdecimal() and int(part) < len(rows) else []
    return next(iter(named or numbered), None)


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
