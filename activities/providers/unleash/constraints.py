"""Constraints of Unleash as rules of segments."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from activities.providers.unleash.documents import Constraint
from domain.errors import Invalid
from domain.flags.condition_value import is_valid_version, plain_number
from domain.flags.segment import Condition, Operator, Rule
from domain.flags.segment_rules import normalize_rules

LONGEST_LIST = 1_000
"""The most characters of a list in one condition. Longer lists take several."""
MOST_CONDITIONS = 100

_FIELDS = {"userId": "$.identity.identifier"}
_NUMBERS = {
    "NUM_EQ": Operator.EQUAL,
    "NUM_GT": Operator.GREATER_THAN,
    "NUM_GTE": Operator.GREATER_THAN_INCLUSIVE,
    "NUM_LT": Operator.LESS_THAN,
    "NUM_LTE": Operator.LESS_THAN_INCLUSIVE,
}
_VERSIONS = {name.replace("NUM", "SEMVER"): operator for name, operator in _NUMBERS.items()}
_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|]")


class NotExpressible(Exception):
    """Something in Unleash that Flaghoist can't express. The message continues "It was not copied, because"."""


def rules_of(constraints: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return one rule, normalized, that matches those who satisfy all constraints. Raises NotExpressible."""
    parts = [_part_of(Constraint.model_validate(each)) for each in constraints]
    if not parts:
        raise NotExpressible("it has no constraints, so everybody is in it")
    conditions = tuple(each for each in parts if isinstance(each, Condition))
    rule = Rule(type="ALL", conditions=conditions, rules=tuple(each for each in parts if isinstance(each, Rule)))
    try:
        return normalize_rules([rule]).rules
    except Invalid as problem:
        raise NotExpressible(f"its rules would not be valid: {problem}") from problem


def _part_of(constraint: Constraint) -> Condition | Rule:
    if constraint.case_insensitive:
        raise NotExpressible(f"the constraint on '{constraint.context_name}' ignores case")
    if constraint.context_name == "currentTime":
        raise NotExpressible("it has a constraint on the current time. Use a stage that waits until then")
    read = _READERS.get(constraint.operator)
    if read is None:
        raise NotExpressible(f"the operator {constraint.operator} has no counterpart")
    conditions = tuple(read(constraint))
    if not conditions:
        raise NotExpressible(f"the constraint on '{constraint.context_name}' has no values")
    if len(conditions) > MOST_CONDITIONS:
        raise NotExpressible(f"the constraint on '{constraint.context_name}' has too many values")
    if constraint.inverted is not (constraint.operator == "NOT_IN"):
        return Rule(type="NONE", conditions=conditions)
    return conditions[0] if len(conditions) == 1 else Rule(type="ANY", conditions=conditions)


def _listed(constraint: Constraint) -> Iterator[Condition]:
    """Unleash trims the entries of lists and leaves out empty ones. A comma separates ours, so an entry with one stands alone."""
    whole = [entry for entry in _entries(constraint) if "," not in entry]
    for chunk in _chunks(whole):
        yield _condition(constraint, Operator.IN, chunk)
    for entry in _entries(constraint):
        if "," in entry:
            yield _condition(constraint, Operator.EQUAL, entry)


def _chunks(entries: Sequence[str]) -> Iterator[str]:
    chunk = ""
    for entry in entries:
        if chunk and len(chunk) + 1 + len(entry) > LONGEST_LIST:
            yield chunk
            chunk = ""
        chunk = f"{chunk},{entry}" if chunk else entry
    if chunk:
        yield chunk


def _text(operator: Operator, form: str = "{}") -> Callable[[Constraint], Iterator[Condition]]:
    def read(constraint: Constraint) -> Iterator[Condition]:
        for entry in _entries(constraint):
            text = _SPECIAL.sub(r"\\\g<0>", entry) if operator is Operator.REGEX else entry
            yield _condition(constraint, operator, form.format(text))

    return read


def _number(constraint: Constraint) -> Iterator[Condition]:
    if plain_number(constraint.value or "") is None:
        raise NotExpressible(f"'{constraint.value}' is not written as a plain number")
    yield _condition(constraint, _NUMBERS[constraint.operator], constraint.value or "")


def _version(constraint: Constraint) -> Iterator[Condition]:
    value = f"{constraint.value}:semver"
    if not is_valid_version(value):
        raise NotExpressible(f"'{constraint.value}' is not a version with three numbers")
    yield _condition(constraint, _VERSIONS[constraint.operator], value)


def _entries(constraint: Constraint) -> list[str]:
    return [each.strip() for each in constraint.values or () if each.strip()]


def _condition(constraint: Constraint, operator: Operator, value: str) -> Condition:
    if len(value) > LONGEST_LIST:
        raise NotExpressible(f"a value of the constraint on '{constraint.context_name}' is longer than {LONGEST_LIST} characters")
    return Condition(property=_FIELDS.get(constraint.context_name, constraint.context_name), operator=operator, value=value)


_READERS: Mapping[str, Callable[[Constraint], Iterator[Condition]]] = {
    "IN": _listed,
    "NOT_IN": _listed,
    "STR_CONTAINS": _text(Operator.CONTAINS),
    "STR_STARTS_WITH": _text(Operator.REGEX),
    "STR_ENDS_WITH": _text(Operator.REGEX, ".*{}$"),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_VERSIONS, _version),
}
"""Readers by operator. A pattern matches from the start of the text."""
