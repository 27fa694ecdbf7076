"""Segment rules as they are served: rewritten so that the engines of all SDKs, ours included, put the same identities into a segment."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from domain.flags.condition_value import VERSION as VERSION_PATTERN
from domain.flags.condition_value import boolean, bound, is_of_ordinary_size, is_valid_version, is_version, modulo_parts, plain_number
from domain.flags.number_pattern import BOUNDS, NUMBER, PLAIN_NUMBER, beyond, equal_to
from domain.flags.portable_pattern import portable
from domain.flags.segment import Condition, Operator, Rule
from domain.model import Frozen

IDENTITY_KEY = "$.identity.key"

_BOOLEAN_PATTERN = "^([Tt]rue|[Ff]alse)$"
_OF_NUMBERS_ONLY = frozenset("0123456789.-")


class ServedCondition(Frozen):
    """A condition in the form that SDKs evaluate."""

    property: str | None = None
    operator: Operator
    value: str | None = None


class ServedRule(Frozen):
    """A rule in the form that SDKs evaluate."""

    type: Literal["ALL", "ANY", "NONE"]
    rules: tuple["ServedRule", ...] = ()
    conditions: tuple[ServedCondition, ...] = ()


def rewritten(rules: Sequence[Rule]) -> tuple[ServedRule, ...]:
    """Return the rules as they are served."""
    return tuple(_served(rule) for rule in rules)


def as_written(rules: Sequence[Rule]) -> tuple[ServedRule, ...]:
    """Return the rules as they are stored, for comparison with the rewritten ones."""
    return tuple(
        ServedRule(type=rule.type, rules=as_written(rule.rules), conditions=tuple(_plain(each) for each in rule.conditions))
        for rule in rules
    )


def is_composite(condition: Condition) -> bool:
    """True if the condition is served as a rule of several conditions."""
    return isinstance(_rewrite(condition), ServedRule)


def _served(rule: Rule) -> ServedRule:
    parts = [_rewrite(condition) for condition in rule.conditions]
    simple = tuple(part for part in parts if isinstance(part, ServedCondition))
    composite = tuple(part for part in parts if isinstance(part, ServedRule))
    nested = rewritten(rule.rules)
    if rule.type == "ALL":
        # Engines treat rules nested in ALL alike, and need no more levels than were written.
        conditions = simple + tuple(condition for part in composite for condition in part.conditions)
        return ServedRule(type="ALL", conditions=conditions, rules=tuple(inner for part in composite for inner in part.rules) + nested)
    if rule.type == "NONE" or not composite:
        return ServedRule(type=rule.type, conditions=simple, rules=composite + nested)
    # The conditions and the rules of a rule must both match. To be alternatives, all have to be rules.
    alternatives = ServedRule(type="ANY", rules=tuple(_all(each) for each in simple) + composite)
    return _all(rules=(alternatives, ServedRule(type="ANY", rules=nested))) if nested else alternatives


def _rewrite(condition: Condition) -> ServedCondition | ServedRule:
    rewrite = _REWRITES.get(condition.operator)
    return (rewrite(condition) if rewrite else None) or _plain(condition)


def _plain(condition: Condition) -> ServedCondition:
    return ServedCondition(property=condition.property, operator=condition.operator, value=condition.value)


def _equal(condition: Condition) -> ServedCondition | ServedRule | None:
    value = condition.value or ""
    if is_version(value):
        return _versions(condition)
    return _one_of(condition, [value])


def _listed(condition: Condition) -> ServedCondition | None:
    value = condition.value or ""
    is_normalized = not value.startswith("[") and all(entry and entry == entry.strip() for entry in value.split(","))
    return _one_of(condition, value.split(",")) if is_normalized else None


def _one_of(condition: Condition, entries: Sequence[str]) -> ServedCondition:
    """IN for text that all engines read alike, and a pattern for anything else."""
    if all(_is_plain_text(entry) for entry in entries):
        return _condition(condition, Operator.IN, ",".join(entries))
    return _condition(condition, Operator.REGEX, f"^({'|'.join(map(_spellings_of, entries))})$")


def _is_plain_text(entry: str) -> bool:
    is_special = plain_number(entry) is not None or boolean(entry) is not None or entry == "null"
    return bool(entry) and not is_special and entry == entry.strip() and not entry.startswith("[") and "," not in entry


def _spellings_of(entry: str) -> str:
    if (number := plain_number(entry)) is not None:
        return equal_to(number)
    if (wanted := boolean(entry)) is not None:
        return "|".join(dict.fromkeys([str(wanted).lower(), str(wanted), entry]))
    return _escaped(entry)


def _not_equal(condition: Condition) -> ServedRule | None:
    """Another value than this one. Without the trait there is no other value, so no identity without it is in."""
    equal = _equal(condition)
    if isinstance(equal, ServedCondition):
        return _all(_condition(condition, Operator.IS_SET, None), rules=(_none(equal),))
    if equal:
        return _all(
            _condition(condition, Operator.REGEX, VERSION_PATTERN), rules=(_none(_condition(condition, Operator.EQUAL, condition.value)),)
        )
    return None


def _compared(condition: Condition) -> ServedCondition | ServedRule | None:
    value = condition.value or ""
    if is_version(value):
        return _versions(condition)
    if (number := bound(value)) is None:
        # Text is compared with text only: some engines also compare the text of numbers and booleans.
        others = _none(_condition(condition, Operator.REGEX, NUMBER), _condition(condition, Operator.REGEX, _BOOLEAN_PATTERN))
        return _all(_plain(condition), rules=(others,))
    return _condition(condition, Operator.REGEX, beyond(condition.operator, number)) if is_of_ordinary_size(number) else None


def _versions(condition: Condition) -> ServedRule | None:
    """Only versions are compared. Some engines also read `v1.2.3`, or compare booleans."""
    if not is_valid_version(condition.value or ""):
        return None
    return _all(_condition(condition, Operator.REGEX, VERSION_PATTERN), _plain(condition))


def _contains(condition: Condition) -> ServedCondition:
    """Text that numbers can contain is found in numbers too."""
    value = condition.value or ""
    if value and _OF_NUMBERS_ONLY.issuperset(value):
        return _condition(condition, Operator.REGEX, rf"^[\s\S]*?{_escaped(value)}")
    return _condition(condition, Operator.CONTAINS, condition.value)


def _not_contains(condition: Condition) -> ServedRule:
    return _all(_condition(condition, Operator.IS_SET, None), rules=(_none(_contains(condition)),))


def _pattern(condition: Condition) -> ServedCondition:
    return _condition(condition, Operator.REGEX, portable(condition.value or ""))


def _modulo(condition: Condition) -> ServedRule | None:
    """Python's remainder of a negative number is positive. That of other languages is negative, which is the second alternative."""
    if not (parts := modulo_parts(condition.value or "")):
        return None
    divisor, remainder = parts
    number = _condition(condition, Operator.REGEX, PLAIN_NUMBER)
    positive = _condition(condition, Operator.MODULO, f"{divisor:f}|{remainder:f}")
    if not remainder:
        return _all(number, positive)
    negative = _condition(condition, Operator.MODULO, f"{divisor:f}|{remainder - divisor:f}")
    return _all(number, rules=(ServedRule(type="ANY", conditions=(positive, negative)),))


def _share(condition: Condition) -> ServedCondition | None:
    return ServedCondition(operator=condition.operator, value=condition.value) if condition.property == IDENTITY_KEY else None


def _condition(condition: Condition, operator: Operator, value: str | None) -> ServedCondition:
    return ServedCondition(property=condition.property, operator=operator, value=value)


def _all(*conditions: ServedCondition, rules: Iterable[ServedRule] = ()) -> ServedRule:
    return ServedRule(type="ALL", conditions=conditions, rules=tuple(rules))


def _none(*conditions: ServedCondition) -> ServedRule:
    return ServedRule(type="NONE", conditions=conditions)


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$.|?*+()\[\]{}]", r"\\\g<0>", text)


_REWRITES: dict[Operator, Callable[[Condition], ServedCondition | ServedRule | None]] = {
    Operator.EQUAL: _equal,
    Operator.NOT_EQUAL: _not_equal,
    Operator.IN: _listed,
    Operator.CONTAINS: _contains,
    Operator.NOT_CONTAINS: _not_contains,
    Operator.REGEX: _pattern,
    Operator.MODULO: _modulo,
    Operator.PERCENTAGE_SPLIT: _share,
    **dict.fromkeys(BOUNDS, _compared),
}
"""How the conditions of each operator are rewritten. None if the value can't be, because it is older than the checks on writing."""
