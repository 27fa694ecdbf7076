"""Differences that remain between Flagsmith's SDKs in local evaluation, after rules were rewritten."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.errors import Problem
from domain.flags.condition_value import bound, is_version, modulo_parts, plain_number
from domain.flags.number_pattern import BOUNDS
from domain.flags.portable_pattern import constructs_that_differ, needs_a_letter, tells_spellings_of_booleans_apart
from domain.flags.segment import Condition, Operator, Rule
from domain.flags.served_rules import IDENTITY_KEY, is_composite

CODE = "differs_between_sdks"

_OTHERS = ("Node", "Go", "Java")
_NUMBERS = frozenset("0123456789.-")
_EQUALITY = (Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN)
_SMALLEST = Decimal("0.001")
_READ_AS_NUMBER = 'Python reads the text "02134" as the number 2134. A prefix, such as "zip-02134", or EQUAL avoids that'


class Difference(NamedTuple):
    """A condition or a rule that some SDKs evaluate differently. `field` is the part of it that is the reason."""

    engines: tuple[str, ...]
    reason: str
    field: str = "value"


def differences(rules: Sequence[Rule], at: str) -> Iterator[Problem]:
    """Yield a warning for each part of the rules that SDKs evaluate differently, with the SDKs, the reason and an example."""
    for number, rule in enumerate(rules):
        pointer = f"{at}/{number}"
        if difference := _of_nesting(rule):
            yield _warning(pointer, difference)
        for position, condition in enumerate(rule.conditions):
            for difference in differences_of(condition):
                yield _warning(f"{pointer}/conditions/{position}", difference)
        yield from differences(rule.rules, f"{pointer}/rules")


def differences_of(condition: Condition) -> Iterator[Difference]:
    """Yield the differences of one condition."""
    value, operator = condition.value or "", condition.operator
    if operator is Operator.PERCENTAGE_SPLIT:
        yield from _of_split(condition)
        return
    if (condition.property or "").startswith("$."):
        yield Difference(("Java",), f"Java has only traits, and none with the key {condition.property}", "property")
    if operator is Operator.REGEX:
        yield from _of_pattern(value)
    if operator in (Operator.CONTAINS, Operator.NOT_CONTAINS):
        yield from _of_search(value)
    if operator is Operator.MODULO:
        yield from _of_modulo(value)
    if operator in BOUNDS or operator in _EQUALITY:
        yield from _of_comparison(operator, value)


def _of_nesting(rule: Rule) -> Difference | None:
    composite = any(is_composite(condition) for condition in rule.conditions)
    if rule.type == "ALL":
        return None
    if rule.type == "ANY" and len(rule.rules) < 2 and (not composite or len(rule.conditions) < 2):
        return None
    if rule.type == "NONE" and not (rule.rules or composite):
        return None
    return Difference(
        ("Go", "Java"),
        f"Go and Java require all rules that are nested in {rule.type}. "
        "Rules of several conditions count, and so do NOT_EQUAL, NOT_CONTAINS, MODULO, versions and bounds of text",
        "",
    )


def _of_split(condition: Condition) -> Iterator[Difference]:
    if condition.property and condition.property != IDENTITY_KEY:
        yield Difference(
            _OTHERS,
            "Node puts no one into a share of a trait, Go divides those without the trait by identity, and Java divides all by identity. "
            "Without a property, all SDKs divide by identity",
            "property",
        )


def _of_pattern(pattern: str) -> Iterator[Difference]:
    for construct in constructs_that_differ(pattern):
        yield Difference(construct.languages, f"they don't read '{construct.text}' as Python does")
    if not needs_a_letter(pattern):
        yield Difference(_OTHERS, f"the pattern may match numbers, and {_READ_AS_NUMBER}")
    if tells_spellings_of_booleans_apart(pattern):
        yield Difference(_OTHERS, "Python writes the boolean true as True, so the pattern may match it in one SDK only")


def _of_search(text: str) -> Iterator[Difference]:
    if _NUMBERS.issuperset(text):
        yield Difference(_OTHERS, f"numbers may contain the text, and {_READ_AS_NUMBER}")
    elif text in "true" or text in "false":
        yield Difference(("Go", "Java"), f"Go and Java find '{text}' in the text of a boolean")


def _of_modulo(value: str) -> Iterator[Difference]:
    parts = modulo_parts(value)
    if parts and any(part != part.to_integral_value() for part in parts):
        yield Difference(_OTHERS, "they round decimals differently, so a trait such as -0.7 may be in with some only")
    else:
        yield Difference(("Java",), "Java calculates with 32-bit numbers, so the trait 16777217 counts as 16777216")


def _of_comparison(operator: Operator, value: str) -> Iterator[Difference]:
    if operator is not Operator.IN and is_version(value):
        yield Difference(("Java",), 'Java returns no flags if the trait is a number, and orders versions such as "1.2.3-rc.1" differently')
    elif operator in BOUNDS and bound(value) is None:
        yield Difference(("Java",), "Java returns no flags if the trait is a number or a boolean, such as 5")
    numbers = [plain_number(entry) for entry in (value.split(",") if operator is Operator.IN else [value])]
    if any(number and abs(number) < _SMALLEST for number in numbers):
        yield Difference(_OTHERS, "Python and Java write small numbers with an exponent, such as 5e-05, and others don't")


def _warning(pointer: str, difference: Difference) -> Problem:
    *others, last = difference.engines
    engines = f"{', '.join(others)} and {last}" if others else last
    where = f"{pointer}/{difference.field}" if difference.field else pointer
    verb = "evaluate" if others else "evaluates"
    return Problem(pointer=where, code=CODE, message=f"{engines} {verb} this differently than our API: {difference.reason}.")
