"""Checks that the rules of a segment mean the same in every SDK."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from domain.errors import Invalid, Problem
from domain.flags.condition_value import bound, is_of_ordinary_size, is_valid_version, is_version, modulo_parts, plain_number
from domain.flags.number_pattern import BOUNDS
from domain.flags.regex import problem_of as problem_of_pattern
from domain.flags.sdk_differences import differences
from domain.flags.segment import Condition, Operator, Rule
from domain.flags.segment_values import normalized_value, shortened

CONTEXT = "$."
"""Prefix of a property that is not a trait, but an attribute of the identity or the environment."""

PROPERTIES = ("$.identity.identifier", "$.identity.key", "$.environment.name")


class NormalizedRules(NamedTuple):
    """Rules as they are stored, with a warning for each value that differs from what was sent, and for what SDKs evaluate differently."""

    rules: tuple[Rule, ...]
    warnings: tuple[Problem, ...]


def normalize_rules(rules: Sequence[Rule]) -> NormalizedRules:
    """Return the rules with all values normalized. Raise Invalid, with a pointer to each empty rule and each condition that can't match."""
    problems = [
        *_empty_rules(rules, "/rules"),
        *(
            Problem(pointer=f"{pointer}/{field}", code="condition_invalid", message=f"The {field} {message}.")
            for pointer, condition in _conditions(rules, "/rules")
            for field, message in _problems_as_written(condition)
        ),
    ]
    if problems:
        raise Invalid(problems[0].message, problems=tuple(problems))
    normalized = _normalized(rules)
    return NormalizedRules(normalized, (*_warnings(rules), *differences(normalized, "/rules")))


def can_be_evaluated(rules: Sequence[Rule]) -> bool:
    """True if the rules can be evaluated. Stored rules may be older than the checks on writing."""
    return not any(True for _, condition in _conditions(rules, "") for _ in _problems(condition))


def _conditions(rules: Sequence[Rule], at: str) -> Iterator[tuple[str, Condition]]:
    """All conditions, those of nested rules included, each with its pointer."""
    for number, rule in enumerate(rules):
        yield from _conditions(rule.rules, f"{at}/{number}/rules")
        for position, condition in enumerate(rule.conditions):
            yield f"{at}/{number}/conditions/{position}", condition


def _empty_rules(rules: Sequence[Rule], at: str) -> Iterator[Problem]:
    for number, rule in enumerate(rules):
        yield from _empty_rules(rule.rules, f"{at}/{number}/rules")
        if not (rule.rules or rule.conditions):
            message = "The rule has no conditions, so every identity would match it. Add a condition, or remove the rule."
            yield Problem(pointer=f"{at}/{number}", code="condition_invalid", message=message)


def _problems_as_written(condition: Condition) -> Iterator[tuple[str, str]]:
    try:
        normalized = _normalized_condition(condition)
    except ValueError as error:
        yield from _problems_of_property(condition)
        yield "value", str(error)
    else:
        found = list(_problems(normalized))
        yield from found
        if not found and (problem := _reason_to_match_nothing(normalized.operator, normalized.value or "")):
            yield "value", problem


def _reason_to_match_nothing(operator: Operator, value: str) -> str | None:
    """The problem of a value that can't match, or that matches everything. Older rules may have one: they are served as they are."""
    if operator in _VERSIONED and is_version(value) and not is_valid_version(value):
        return "must be a version with three numbers, such as 1.2.3:semver: no version would match"
    if operator in BOUNDS and not value:
        return "must be a number, a version or text to compare with"
    if operator in BOUNDS and (number := bound(value)) is not None and not is_of_ordinary_size(number):
        return "must be a number of at most 30 digits"
    if operator in _SEARCHES and not value:
        return "must not be empty: use IS_SET or IS_NOT_SET"
    if operator is Operator.MODULO and not modulo_parts(value):
        return "must be a divisor and a remainder from 0 to below the divisor, such as 10|3: no number would match"
    return None


def _problems(condition: Condition) -> Iterator[tuple[str, str]]:
    yield from _problems_of_property(condition)
    check = CHECKS.get(condition.operator)
    if check and (problem := check(condition.value or "")):
        yield "value", problem


def _problems_of_property(condition: Condition) -> Iterator[tuple[str, str]]:
    if condition.property and condition.property.startswith(CONTEXT) and condition.property not in PROPERTIES:
        yield "property", f"must be the key of a trait, or one of {', '.join(PROPERTIES)}"


def _normalized(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(
        rule.model_copy(update={"rules": _normalized(rule.rules), "conditions": tuple(map(_normalized_condition, rule.conditions))})
        for rule in rules
    )


def _normalized_condition(condition: Condition) -> Condition:
    if condition.value is None:
        return condition
    return condition.model_copy(update={"value": normalized_value(condition.operator, condition.value).value})


def _warnings(rules: Sequence[Rule]) -> Iterator[Problem]:
    for pointer, condition in _conditions(rules, "/rules"):
        stored, changes = normalized_value(condition.operator, condition.value or "")
        if changes:
            message = f"Stored as '{shortened(stored)}': {changes}."
            yield Problem(pointer=f"{pointer}/value", code="value_normalized", message=message)
        if number := _text_like_number(condition.operator, stored):
            text = shortened(number)
            message = (
                f"'{text}' is read as a number, so it matches without its extra zeros too. To keep it apart, add a prefix: 'zip-{text}'."
            )
            yield Problem(pointer=f"{pointer}/value", code="read_as_number", message=message)


def _text_like_number(operator: Operator, value: str) -> str | None:
    """The first entry that is the text of a number, but not as numbers are written, such as `02134`."""
    if operator not in (Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN):
        return None
    entries = value.split(",") if operator is Operator.IN else [value]
    numbers = ((entry, plain_number(entry)) for entry in entries)
    return next((entry for entry, number in numbers if number is not None and entry != f"{number.normalize():f}"), None)


def _problem_of_modulo(value: str) -> str | None:
    try:
        divisor, remainder = (float(part) for part in value.split("|"))
    except ValueError:
        divisor, remainder = 0.0, 0.0
    if divisor and math.isfinite(divisor) and math.isfinite(remainder):
        return None
    return "must be a divisor other than 0 and a remainder, such as 10|3"


def _problem_of_list(value: str) -> str | None:
    """Flagsmith's engine reads a value that begins with a bracket as JSON if it can, and any other as entries separated by commas."""
    if not value.startswith("["):
        return None
    try:
        listed = json.loads(value)
    except RecursionError:
        listed = [[]]
    except ValueError:
        return None
    return None if not any(isinstance(each, list | dict) for each in listed) else "must be a flat list"


_SEARCHES = (Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.REGEX)
_VERSIONED = (Operator.EQUAL, Operator.NOT_EQUAL, *BOUNDS)

CHECKS: dict[Operator, Callable[[str], str | None]] = {
    Operator.REGEX: problem_of_pattern,
    Operator.MODULO: _problem_of_modulo,
    Operator.IN: _problem_of_list,
}
"""Checks of a value by operator. Each returns the problem, phrased as "must ...", or None."""
