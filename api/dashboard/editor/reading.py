"""Reads the form of a pipeline: the document that a sheet stands for.

A text that is no number stays a text, and the definition then refuses it. Fields that a type does not have are left out.
"""

import re
from typing import Any

from api.dashboard.editor.filling import AT_PARAMETER
from api.dashboard.editor.sheet import Sheet
from api.dashboard.editor.watching import rule_of
from api.dashboard.variant_lines import read_shares

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}")

_OF_ACTION = {
    "TOGGLE_FEATURE": ("enabled", "overrides"),
    "TOGGLE_FEATURE_FOR_SEGMENT": ("segment", "enabled"),
    "UPDATE_FEATURE_VALUE": ("value", "overrides"),
    "UPDATE_FEATURE_VALUE_FOR_SEGMENT": ("segment", "value"),
    "PHASED_ROLLOUT": ("initial", "step", "every", "enabled", "value", "overrides"),
    "ALLOCATE_VARIANTS": ("allocation", "overrides"),
    "ALLOCATE_VARIANTS_FOR_SEGMENT": ("segment", "allocation"),
    "SHIP_WINNER": ("initial", "step", "every", "overrides"),
}
"""The type of an action -> the fields that it has."""

WITH_VALUE = {type_ for type_, fields in _OF_ACTION.items() if "value" in fields}


def document_of(sheet: Sheet) -> dict[str, Any]:
    """Return the document, which may still be incomplete or invalid."""
    parameters = {each["name"].strip(): _parameter(each) for each in sheet["parameters"]}
    texts = _given(sheet, "key", "name", "description", "on_conflict")
    guardrails = {"guardrails": [rule_of(each) for each in sheet["guardrails"]]} if sheet["guardrails"] else {}
    return texts | {"parameters": parameters, "stages": [_stage(each) for each in sheet["stages"]]} | guardrails


def _given(sheet: Sheet, *names: str) -> dict[str, Any]:
    """Return the texts that were filled in."""
    return {name: sheet[name] for name in names if sheet[name].strip()}


def _parameter(sheet: Sheet) -> dict[str, Any]:
    given = _given(sheet, "type", "description", "default")
    return given | ({"default": typed_value(sheet["default"], sheet["type"])} if "default" in given else {})


def _stage(sheet: Sheet) -> dict[str, Any]:
    lists = {"gates": [_gate(each) for each in sheet["gates"]], "actions": [_action(each) for each in sheet["actions"]]}
    return _given(sheet, "name", "description", "environment") | {"trigger": _trigger(sheet["trigger"])} | lists


def _trigger(sheet: Sheet) -> dict[str, Any]:
    match sheet["type"]:
        case "WAIT_FOR":
            return _given(sheet, "type", "duration")
        case "WAIT_UNTIL":
            return _given(sheet, "type", "at", "timezone")
        case type_ if type_ == AT_PARAMETER:
            return {"type": "WAIT_UNTIL", "at_from": {"parameter": sheet["parameter"]}} | _given(sheet, "timezone")
        case _:
            return _given(sheet, "type")


def _gate(sheet: Sheet) -> dict[str, Any]:
    if sheet["type"] == "WINDOW":
        return _given(sheet, "type", "timezone") | {"ranges": [_range(each) for each in sheet["ranges"]]}
    if sheet["type"] in ("METRIC", "CHECK", "EXPERIMENT"):
        return rule_of(sheet)
    given = _given(sheet, "type", "approvals", "timeout") | {"allow_requester": bool(sheet["allow_requester"])}
    return given | ({"approvals": _number(given["approvals"])} if "approvals" in given else {})


def _range(sheet: Sheet) -> dict[str, Any]:
    return {"days": [day for day, chosen in sheet["days"].items() if chosen]} | _given(sheet, "start", "end")


def _action(sheet: Sheet) -> dict[str, Any]:
    names = _OF_ACTION.get(sheet["type"], ())
    given = _given(sheet, "type", *(name for name in names if name != "value"))
    given |= {name: _number(given[name]) for name in ("initial", "step") if name in given}
    if "allocation" in names:
        given["allocation"] = read_shares(sheet["allocation"])  # Without a line, the allocation ends.
    if "enabled" in given:
        given["enabled"] = typed_value(given["enabled"], "boolean")
    return given | (_value(sheet) if "value" in names else {})


def _value(sheet: Sheet) -> dict[str, Any]:
    match sheet["value_type"]:
        case "":
            return {}
        case "none":
            return {"value": None}
        case "parameter":
            return {"value_from": {"parameter": sheet["parameter"]}}
        case type_:
            return {"value": typed_value(sheet["value"], type_)}


def typed_value(text: str, type_: str) -> Any:
    """Return a value of this type, or the text itself if it is no such value."""
    if type_ == "integer":
        return int(text) if _INTEGER.fullmatch(text.strip()) else text
    if type_ == "boolean":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    return text


def _number(text: str) -> Any:
    written = text.strip()
    return float(written) if _DECIMAL.fullmatch(written) else typed_value(text, "integer")
