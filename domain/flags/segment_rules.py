"""What the rules of a segment must be like for every SDK to evaluate them alike."""

import json
import math
from collections.abc import Callable, Iterator, Sequence

from domain.errors import Invalid, Problem
from domain.flags.regex import problem_of as problem_of_pattern
from domain.flags.segment import Condition, Operator, Rule

CONTEXT = "$."
"""How a property begins that is no trait, but something of the identity or the environment."""

PROPERTIES = ("$.identity.identifier", "$.identity.key", "$.environment.name")


def check_rules(rules: Sequence[Rule]) -> None:
    """Raise Invalid, with a pointer to each condition that can't be evaluated."""
    if problems := tuple(_problems(rules, "/rules")):
        raise Invalid(problems[0].message, problems=problems)


def can_be_evaluated(rules: Sequence[Rule]) -> bool:
    """Whether they could be written now: what is stored may be older than these checks."""
    return not any(True for _ in _problems(rules, ""))


def _problems(rules: Sequence[Rule], at: str) -> Iterator[Problem]:
    for number, rule in enumerate(rules):
        yield from _problems(rule.rules, f"{at}/{number}/rules")
        for position, condition in enumerate(rule.conditions):
            for field, message in _problems_of(condition):
                pointer = f"{at}/{number}/conditions/{position}/{field}"
                yield Problem(pointer=pointer, code="condition_invalid", message=f"The {field} {message}.")


def _problems_of(condition: Condition) -> Iterator[tuple[str, str]]:
    if condition.property and condition.property.startswith(CONTEXT) and condition.property not in PROPERTIES:
        yield "property", f"is none that segments can look at: besides traits there are {', '.join(PROPERTIES)}"
    check = CHECKS.get(condition.operator)
    if check and (problem := check(condition.value or "")):
        yield "value", problem


def _problem_of_modulo(value: str) -> str | None:
    try:
        divisor, remainder = (float(part) for part in value.split("|"))
    except ValueError:
        divisor, remainder = 0.0, 0.0
    if divisor and math.isfinite(divisor) and math.isfinite(remainder):
        return None
    return "must be a divisor and a remainder, such as 10|3; the divisor is not 0"


def _problem_of_list(value: str) -> str | None:
    """The engine reads what begins with a bracket as JSON, and anything else as a list with commas."""
    if not value.startswith("["):
        return None
    try:
        listed = json.loads(value)
    except RecursionError:
        listed = [[]]
    except ValueError:
        return None
    return None if not any(isinstance(each, list | dict) for each in listed) else "must be a flat list"


CHECKS: dict[Operator, Callable[[str], str | None]] = {
    Operator.REGEX: problem_of_pattern,
    Operator.MODULO: _problem_of_modulo,
    Operator.IN: _problem_of_list,
}
