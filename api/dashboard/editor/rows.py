"""Adds, removes and moves the rows of a sheet: stages, actions, gates, hours, guardrails and parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

from api.dashboard.editor.sheet import Sheet, blank_action, blank_approval, blank_parameter, blank_range, blank_stage, blank_window
from api.dashboard.editor.watching import blank_check, blank_experiment, blank_guardrail, blank_metric_gate
from domain.errors import Invalid


class Edited(NamedTuple):
    """The field or button to which the focus goes, and what happened, for people who don't see it."""

    focus: str
    announcement: str


_BLANK: dict[tuple[str, str], tuple[Callable[[], Sheet], str]] = {
    ("stages", "add"): (blank_stage, "name"),
    ("actions", "add"): (blank_action, "type"),
    ("gates", "add-approval"): (blank_approval, "approvals"),
    ("gates", "add-window"): (blank_window, "timezone"),
    ("gates", "add-metric"): (blank_metric_gate, "metric"),
    ("gates", "add-check"): (blank_check, "source"),
    ("gates", "add-experiment"): (blank_experiment, "metric"),
    ("guardrails", "add"): (blank_guardrail, "name"),
    ("ranges", "add"): (blank_range, "start"),
    ("parameters", "add"): (blank_parameter, "name"),
}
"""The list and the button -> the new row, and the field in it that is filled in first."""


def edit_rows(sheet: Sheet, button: str) -> Edited:
    """Carry out a button such as `stages:add` or `stages.2.actions.0:up`. Raises Invalid if the form has no such button."""
    place, _, verb = button.partition(":")
    *_, last = place.split(".")
    try:
        if last.isdecimal():
            return _change(sheet, place, verb)
        return _add(_rows_at(sheet, place), place, verb)
    except (KeyError, IndexError, TypeError) as error:
        raise Invalid(f"The form has no button '{button[:64]}': reload the page.") from error


def _add(rows: list[Sheet], place: str, button: str) -> Edited:
    noun = place.rpartition(".")[2]
    blank, first = _BLANK[noun, button]
    rows.append(blank())
    return Edited(f"{place}.{len(rows) - 1}.{first}", f"{_singular(noun)} {len(rows)} was added.")


def _change(sheet: Sheet, place: str, verb: str) -> Edited:
    parent, _, number = place.rpartition(".")
    rows, row = _rows_at(sheet, parent), int(number)
    noun = _singular(parent.rpartition(".")[2])
    if verb == "remove":
        del rows[row]
        return Edited(parent, f"{noun} {row + 1} was removed.")
    to = max(0, min(len(rows) - 1, row + {"up": -1, "down": 1}[verb]))
    rows.insert(to, rows.pop(row))
    button = "down" if to == 0 else "up" if to == len(rows) - 1 else verb
    return Edited(f"{parent}.{to}:{button}", f"{noun} {row + 1} is {noun.lower()} {to + 1} now.")


def _rows_at(sheet: Sheet, place: str) -> list[Sheet]:
    node: Any = sheet
    for part in place.split("."):
        node = node[int(part) if isinstance(node, list) else part]
    if not isinstance(node, list):
        raise TypeError(place)
    return node


def _singular(noun: str) -> str:
    return {
        "ranges": "Hours",
        "stages": "Stage",
        "actions": "Action",
        "gates": "Gate",
        "parameters": "Parameter",
        "guardrails": "Guardrail",
    }[noun]
