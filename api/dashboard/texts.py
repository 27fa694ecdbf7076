"""Times, values, rules and changes as people read them."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from domain.duration import speak_duration
from domain.flags.flag import FeatureType, Value
from domain.flags.segment import Operator, Rule
from domain.flags.share_text import shares_in_words
from domain.releases.status import status_in_words

_TIME_IN_SENTENCE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) UTC")
_TIME_ELEMENT = Markup('<span class="when"><time datetime="{}" title="{}">{}</time> (<span class="relative">{}</span>)</span>')
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?")
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class FieldChange(NamedTuple):
    """One field of a flag, before and after, as texts."""

    field: str
    before: str
    after: str


def date_text(moment: datetime) -> str:
    """Return a point in time in UTC: `28 Nov 2026, 14:05:09 UTC`."""
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def relative_time(moment: datetime, now: datetime) -> str:
    """Return the distance from now in its two largest units: `in 3 h 20 min`, `2 d ago`."""
    seconds = round((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    left, parts = abs(seconds), []
    for unit, length in _UNITS:
        if left >= length:
            parts.append(f"{left // length} {unit}")
            left %= length
        elif parts:
            break
    text = " ".join(parts[:2])
    return f"in {text}" if seconds > 0 else f"{text} ago"


def timed(text: str, now: datetime) -> Markup:
    """Return a sentence, escaped, in which each point in time is an element: scripts show it in the reader's zone."""
    parts = _TIME_IN_SENTENCE.split(text)
    return Markup("").join(_time_element(part, now) if number % 2 else Markup.escape(part) for number, part in enumerate(parts))


def _time_element(text: str, now: datetime) -> Markup:
    try:
        moment = datetime.fromisoformat(f"{text}+00:00")
    except ValueError:  # A person wrote something similar into a reason.
        return Markup.escape(f"{text} UTC")
    return _TIME_ELEMENT.format(moment.isoformat(), date_text(moment), date_text(moment), relative_time(moment, now))


def lasting(duration: timedelta) -> str:
    """Return a duration: `1 d 12 h`."""
    return speak_duration(duration)


def duration_text(duration: timedelta) -> str:
    """Return a duration as it is typed: `1d12h`."""
    return speak_duration(duration).replace("min", "m").replace(" ", "")


def words(status: str) -> str:
    """Return a status, an outcome or a control without underscores."""
    return "roll back" if status == "rollback" else status_in_words(status)


def value_text(value: Any) -> str:
    """Return a flag's value; texts are in quotes, so that `"1"` differs from `1`."""
    return "no value" if value is None else json.dumps(value, ensure_ascii=False)


def read_value(text: str, type_: FeatureType) -> Value:
    """Return the value that a person typed. A text that is not of the type stays a text, which is then refused by the API's own words."""
    if type_ is FeatureType.INTEGER and re.fullmatch(r"-?[0-9]{1,16}", text.strip()):
        return int(text)
    if type_ is FeatureType.BOOLEAN and text.strip() in ("true", "false"):
        return text.strip() == "true"
    return text if text or type_ is FeatureType.STRING else None


def number_text(number: float) -> str:
    """Return a measured number, rounded: `0.00943`, `303`, `12,345`."""
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.3g}"


def read_number(text: str) -> int | float | str:
    """Return the number that a person typed. A text that is no number stays a text, which the API then refuses."""
    typed = text.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,16}", typed):
        return int(typed)
    return float(typed) if _NUMBER.fullmatch(typed) else text


def typed_text(value: Value) -> str:
    """Return a value as it is typed into a form."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def field_texts(patch: Mapping[str, Any] | None) -> dict[str, str]:
    """Return field -> text of a patch or of the audit log's `before` or `after`."""
    return dict(_texts(patch or {}))


def field_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[FieldChange]:
    """Return the fields that either side names, each with both texts."""
    old, new = field_texts(before), field_texts(after)
    return [FieldChange(field, old.get(field, "–"), new.get(field, "–")) for field in dict.fromkeys([*old, *new])]


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """Return the fields whose texts differ."""
    return [each for each in field_changes(before, after) if each.before != each.after]


def changed_texts(before: Mapping[str, str], after: Mapping[str, str]) -> list[FieldChange]:
    """Return the texts that differ, as they are."""
    return [FieldChange(field, before.get(field, "–"), text) for field, text in after.items() if before.get(field) != text]


def difference_text(field: str, left: Any, right: Any) -> FieldChange:
    """Return a field that differs between two environments. An override is named as in `overrides/beta`."""
    segment = field.removeprefix("overrides/")
    [texts] = field_changes(*({field: each} if segment == field else {"overrides": {segment: each}} for each in (left, right)))
    return texts


def rule_text(rule: Rule) -> str:
    """Return a segment's rule: `group = "beta" and not (age > "18")`."""
    parts = [_condition_text(each.property, each.operator, each.value) for each in rule.conditions]
    parts += [f"({rule_text(each)})" for each in rule.rules]
    joined = (" and " if rule.type == "ALL" else " or ").join(parts) or "everyone"
    return f"not ({joined})" if rule.type == "NONE" else joined


def _condition_text(property_: str | None, operator: Operator, value: str | None) -> str:
    if operator in (Operator.IS_SET, Operator.IS_NOT_SET):
        return f"{property_} {_OPERATORS[operator]}"
    if operator is Operator.PERCENTAGE_SPLIT:
        return f"{value}% of {f'the values of {property_}' if property_ else 'identities'}"
    return f"{property_} {_OPERATORS[operator]} {value_text(value)}"


_OPERATORS = {
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "≠",
    Operator.GREATER_THAN: ">",
    Operator.GREATER_THAN_INCLUSIVE: "≥",
    Operator.LESS_THAN: "<",
    Operator.LESS_THAN_INCLUSIVE: "≤",
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "does not contain",
    Operator.REGEX: "matches",
    Operator.MODULO: "modulo",
    Operator.IS_SET: "is set",
    Operator.IS_NOT_SET: "is not set",
    Operator.IN: "is one of",
}


def _texts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if name == "overrides" and isinstance(value, Mapping):
            for segment, override in value.items():
                yield f"for segment {segment}", "no override" if override is None else _state_text(override)
        elif name == "allocation":
            yield "variants", shares_in_words(value)
        elif name == "variants" and isinstance(value, list):
            yield name, ", ".join(f"{each['key']} = {value_text(each['value'])}" for each in value) or "none"
        elif name == "rollout":
            yield name, _rollout_text(value)
        elif name == "enabled":
            yield name, "on" if value else "off"
        else:
            yield name.replace("_", " "), value_text(value)


def _rollout_text(rollout: Mapping[str, Any] | None) -> str:
    if not isinstance(rollout, Mapping):
        return "none"
    rest = {name: value for name, value in rollout.items() if name != "percent"}
    return f"{rollout['percent']}%" + (f": {_state_text(rest)}" if rest else "")


def _state_text(state: Any) -> str:
    """Return the state of an override or a rollout on one line."""
    if not isinstance(state, Mapping):
        return value_text(state)
    parts = []
    if "enabled" in state:
        parts.append("on" if state["enabled"] else "off")
    if "value" in state:
        parts.append(value_text(state["value"]))
    if state.get("allocation") is not None:
        parts.append(f"variants: {shares_in_words(state['allocation'])}")
    parts += [f"{field} as by default" for field in state.get("inherits", ())]
    if "priority" in state:
        parts.append(f"priority {state['priority']}")
    return ", ".join(parts) or "as by default"
