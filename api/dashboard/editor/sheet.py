"""A pipeline as it is typed into a form: the shape of its definition, with texts in all places.

The name of a field is its place, such as `stages.0.trigger.duration`. So a pointer into the definition leads to a field.
"""

from collections.abc import Mapping
from typing import Any

from api.dashboard.editor.watching import blank_check, blank_experiment, blank_guardrail, blank_metric_gate
from domain.pipelines.window import Day

Sheet = dict[str, Any]
"""Nested dictionaries and lists of texts. Every text of its shape is present, perhaps empty."""

MOST_NESTED = 8


def sheet_of_fields(fields: Mapping[str, str]) -> Sheet:
    """Return what was typed into a form. Fields that belong to no place are ignored."""
    root = _nested(fields)
    parameters = [_texts(each, blank_parameter()) for each in _rows(root, "parameters")]
    stages = [_stage(each) for each in _rows(root, "stages")]
    guardrails = [_rule(each, blank_guardrail()) for each in _rows(root, "guardrails")]
    texts = _texts(root, dict.fromkeys(("key", "name", "description", "on_conflict"), ""))
    return texts | {"parameters": parameters, "stages": stages, "guardrails": guardrails}


def blank_parameter() -> Sheet:
    """Return a parameter that is still to be filled in."""
    return {"name": "", "type": "string", "description": "", "default": ""}


def blank_stage() -> Sheet:
    """Return a stage that would enable the flag at once, as soon as it has a name and an environment."""
    return {"name": "", "description": "", "environment": "", "trigger": blank_trigger(), "gates": [], "actions": [blank_action()]}


def blank_action() -> Sheet:
    """Return an action that enables the flag for everyone."""
    given = {"type": "TOGGLE_FEATURE", "enabled": "true", "overrides": "keep"}
    return given | dict.fromkeys(("segment", "value_type", "value", "parameter", "initial", "step", "every", "allocation"), "")


def blank_approval() -> Sheet:
    """Return a gate that needs one approval."""
    return {"type": "APPROVAL", "approvals": "1", "allow_requester": "", "timeout": ""}


def blank_window() -> Sheet:
    """Return a gate that is open in the working hours of a week."""
    return {"type": "WINDOW", "timezone": "UTC", "ranges": [blank_range()]}


def blank_range() -> Sheet:
    """Return the hours from Monday to Friday."""
    working = list(Day)[:5]
    return {"days": {day.value: "on" if day in working else "" for day in Day}, "start": "09:00", "end": "17:00"}


def blank_trigger() -> Sheet:
    """Return the trigger of a stage that acts at once."""
    return {"type": "ON_ENTER"} | dict.fromkeys(("duration", "at", "timezone", "parameter"), "")


def _nested(fields: Mapping[str, str]) -> Sheet:
    root: Sheet = {}
    for name, text in fields.items():
        *parents, last = name.split(".", MOST_NESTED)
        node = root
        for part in parents:
            below = node.get(part)
            if not isinstance(below, dict):
                below = node[part] = {}
            node = below
        node[last] = text
    return root


def _stage(node: Any) -> Sheet:
    trigger = _texts(node.get("trigger"), blank_trigger())
    gates = [_gate(each) for each in _rows(node, "gates")]
    actions = [_texts(each, blank_action()) for each in _rows(node, "actions")]
    texts = _texts(node, dict.fromkeys(("name", "description", "environment"), ""))
    return texts | {"trigger": trigger, "gates": gates, "actions": actions}


def _gate(node: Any) -> Sheet:
    match node.get("type"):
        case "WINDOW":
            return _texts(node, {"type": "", "timezone": ""}) | {"ranges": [_range(each) for each in _rows(node, "ranges")]}
        case "METRIC":
            return _rule(node, blank_metric_gate())
        case "CHECK":
            return _rule(node, blank_check())
        case "EXPERIMENT":
            return _rule(node, blank_experiment())
        case _:
            return _texts(node, blank_approval())


def _rule(node: Any, blank: Sheet) -> Sheet:
    condition = {"condition": _texts(node.get("condition"), blank["condition"])} if "condition" in blank else {}
    return _texts(node, blank) | condition


def _range(node: Any) -> Sheet:
    return {"days": _texts(node.get("days"), dict.fromkeys(Day, ""))} | _texts(node, {"start": "", "end": ""})


def _texts(node: Any, blank: Sheet) -> Sheet:
    """Return the texts of the node at the places of the blank one; a place that is missing is empty."""
    found = node if isinstance(node, dict) else {}
    return {str(name): found[name] if isinstance(found.get(name), str) else "" for name in blank}


def _rows(node: Any, name: str) -> list[Sheet]:
    """Return the rows of a list in their order. In a form they are numbered, perhaps with gaps."""
    rows = node.get(name) if isinstance(node, dict) else None
    numbered = (
        {int(number): row for number, row in rows.items() if number.isdecimal() and len(number) < MOST_NESTED}
        if isinstance(rows, dict)
        else {}
    )
    return [numbered[number] for number in sorted(numbered) if isinstance(numbered[number], dict)]
