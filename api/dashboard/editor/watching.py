"""Guardrails, metric gates, checks and experiments in the form of a pipeline: blank, filled in, and read again."""

from typing import Any

from api.dashboard.texts import duration_text, read_number
from api.dashboard.variant_lines import read_shares, share_lines
from domain.duration import parse_duration

Rule = dict[str, Any]
"""The texts of a guardrail or a gate, and those of its condition."""

_OF_CONDITION = {"THRESHOLD": ("at_least", "at_most"), "NOT_WORSE": ("better", "margin", "group", "than", "confidence", "minimum")}
"""The type of a condition -> the fields that it has."""

_DURATIONS = ("every", "passing_for", "longest", "shortest", "decide_every")
_NUMBERS = ("failures", "confidence", "minimum", "planned")
_LINES = ("stages", "variants")
_NO_NUMBERS = ("better", "group", "than")


def blank_condition() -> Rule:
    """Return a condition that still needs a bound."""
    return {"type": "THRESHOLD"} | {name: "" for names in _OF_CONDITION.values() for name in names}


def blank_guardrail() -> Rule:
    """Return a guardrail that rolls back after two failures. The stages are lines."""
    given = {"every": "30s", "failures": "2", "on_breach": "rollback", "condition": blank_condition()}
    return dict.fromkeys(("name", "metric", "environment", "stages", "to_stage", "shadow"), "") | given


def blank_metric_gate() -> Rule:
    """Return a gate that needs a metric to pass for a while."""
    given = {"type": "METRIC", "passing_for": "15m", "every": "30s", "condition": blank_condition()}
    return dict.fromkeys(("metric", "environment"), "") | given


def blank_check() -> Rule:
    """Return a gate that asks a URL every minute."""
    return {"type": "CHECK", "every": "1m"} | dict.fromkeys(("source", "path", "environment"), "")


def blank_experiment() -> Rule:
    """Return a gate that compares variants for one to four weeks. The variants are lines, and so are planned shares."""
    given = {"type": "EXPERIMENT", "better": "higher", "shortest": "7d", "decide_every": "7d", "longest": "28d"}
    given |= {"every": "10m", "without_winner": "control"}
    return dict.fromkeys(("metric", "variants", "shares", "environment", "confidence", "minimum", "planned"), "") | given


def filled(blank: Rule, rule: Rule) -> Rule:
    """Return the texts of a rule's document."""
    texts: Rule = {name: _text(name, rule.get(name)) for name in blank}
    if "condition" in blank:
        texts["condition"] = {name: _text(name, rule["condition"].get(name)) for name in blank["condition"]}
    return texts


def rule_of(typed: Rule) -> dict[str, Any]:
    """Return the document of a rule, which may still be incomplete or invalid."""
    rule = _given(typed, *(name for name in typed if name != "condition"))
    rule |= {name: [line.strip() for line in rule[name].split("\n") if line.strip()] for name in _LINES if name in rule}
    rule |= {name: read_number(rule[name]) for name in _NUMBERS if name in rule}
    if "shares" in rule:
        rule["shares"] = read_shares(rule["shares"])
    if "shadow" in typed:
        rule["shadow"] = bool(typed["shadow"])
    return rule | ({"condition": _condition(typed["condition"])} if "condition" in typed else {})


def _condition(typed: Rule) -> dict[str, Any]:
    names = _OF_CONDITION.get(typed["type"], ())
    given = _given(typed, "type", *names)
    return given | {name: read_number(text) for name, text in given.items() if name in names and name not in _NO_NUMBERS}


def _given(typed: Rule, *names: str) -> dict[str, Any]:
    return {name: typed[name] for name in names if typed[name].strip()}


def _text(name: str, value: Any) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "on"
        case list():
            return "\n".join(value)
        case dict():
            return share_lines(value)
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return duration_text(parse_duration(value)) if name in _DURATIONS else str(value)
