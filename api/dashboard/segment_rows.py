"""The rules of a segment as the fields of a form, whose names are JSON pointers, and as text."""

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from api.dashboard.session import FormFields
from domain.errors import Invalid, Problem
from domain.flags.segment import Rule, Rules

TEXT = "/rules"
"""The field that has the rules as text."""

_CELL = re.compile(r"/rules/([0-9]{1,3})/(type|conditions/([0-9]{1,3})/(property|operator|value))")
_RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(Rules)


def fits_rows(rules: Sequence[Rule]) -> bool:
    """True if the rules can be shown as rows: only text can show nested rules."""
    return not any(rule.rules for rule in rules)


def rows_of(rules: Sequence[Rule]) -> FormFields:
    """Return the fields that show these rules."""
    fields: FormFields = {}
    for number, rule in enumerate(rules):
        fields[f"/rules/{number}/type"] = rule.type
        for position, condition in enumerate(rule.conditions):
            at = f"/rules/{number}/conditions/{position}"
            texts = {"property": condition.property or "", "operator": condition.operator.value, "value": condition.value or ""}
            fields |= {f"{at}/{name}": text for name, text in texts.items()}
    return fields


def text_of(rules: Sequence[Rule]) -> str:
    """Return the rules as the API writes them."""
    return json.dumps([rule.model_dump(mode="json") for rule in rules], indent=2, ensure_ascii=False)


def numbered(fields: FormFields) -> FormFields:
    """Return the fields without empty rows, so that each name is the pointer of what it sets. Other fields stay."""
    kept = {name: value for name, value in fields.items() if not _CELL.fullmatch(name)}
    for number, rule in enumerate(_rules_in_rows(fields)):
        kept[f"/rules/{number}/type"] = rule["type"]
        for position, condition in enumerate(rule["conditions"]):
            cells = {"property": "", "value": ""} | condition
            kept |= {f"/rules/{number}/conditions/{position}/{name}": text for name, text in cells.items()}
    return kept


def document_of(fields: FormFields) -> Any:
    """Return the rules that the fields describe, as the API reads them. Raises Invalid if a text is no JSON."""
    if TEXT not in fields:
        return _rules_in_rows(fields)
    try:
        return json.loads(fields[TEXT] or "[]")
    except (ValueError, RecursionError) as error:
        message = f"Must be one valid JSON document: {error}."
        raise Invalid(message, problems=(Problem(pointer=TEXT, code="json_invalid", message=message),)) from error


def other_form(fields: FormFields) -> FormFields:
    """Return the same rules as text if these are rows, or else as rows. Raises Invalid if there are no such rows."""
    rest = {name: value for name, value in fields.items() if name != TEXT and not _CELL.fullmatch(name)}
    if TEXT not in fields:
        return rest | {TEXT: json.dumps(_rules_in_rows(fields), indent=2, ensure_ascii=False)}
    rules = _RULES.validate_python(document_of(fields))
    if not fits_rows(rules):
        message = "Rules within rules can be written only as text."
        raise Invalid(message, problems=(Problem(pointer=TEXT, code="nested", message=message),))
    return rest | rows_of(rules)


def _rules_in_rows(fields: FormFields) -> list[dict[str, Any]]:
    """Return the rules that have a condition. A row without property and value is empty."""
    types: dict[int, str] = {}
    conditions: dict[int, dict[int, dict[str, str]]] = {}
    for name, value in fields.items():
        if not (cell := _CELL.fullmatch(name)):
            continue
        if cell[2] == "type":
            types[int(cell[1])] = value
        elif value.strip():
            conditions.setdefault(int(cell[1]), {}).setdefault(int(cell[3]), {})[cell[4]] = value
    rules = []
    for number, rows in sorted(conditions.items()):
        filled = [row for _, row in sorted(rows.items()) if row.keys() & {"property", "value"}]
        if filled:
            rules.append({"type": types.get(number, "ALL"), "conditions": filled})
    return rules
