"""Rules that some SDK could not evaluate are refused where they are written, each with a pointer."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.errors import Invalid
from domain.flags.segment import Rules
from domain.flags.segment_rules import PROPERTIES, can_be_evaluated, check_rules

RULES: TypeAdapter[Any] = TypeAdapter(Rules)


def rules(operator: str, value: str | None, about: str = "plan") -> Any:
    """One rule with one condition."""
    return RULES.validate_python([{"type": "ALL", "conditions": [{"property": about, "operator": operator, "value": value}]}])


@pytest.mark.parametrize(
    ("operator", "value", "message"),
    [
        ("REGEX", "(", "The value is no regular expression: missing )"),
        ("REGEX", "(a{500}){500}", "written out"),
        ("REGEX", "[[:alpha:]]", "escape it"),
        ("REGEX", "a{e<=1}", "brace"),
        ("REGEX", "(" * 30 + ")" * 30, "nested"),
        ("MODULO", "3", "a divisor and a remainder"),
        ("MODULO", "0|1", "the divisor is not 0"),
        ("MODULO", "inf|1", "a divisor and a remainder"),
        ("MODULO", "2|nan", "a divisor and a remainder"),
        ("MODULO", "1|2|3", "a divisor and a remainder"),
        ("IN", "[[1]]", "must be a flat list"),
        ("IN", "[" * 1_000, "must be a flat list"),
    ],
)
def test_a_value_that_the_operator_can_not_use_is_refused(operator: str, value: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_rules(rules(operator, value))

    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/rules/0/conditions/0/value", "condition_invalid")
    assert message in problem.message
    assert not can_be_evaluated(rules(operator, value))


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("REGEX", r"^[\w.]+@example\.(com|org)$"),
        ("REGEX", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}"),
        ("REGEX", r"(?!test)[^\[\]]*"),
        ("MODULO", "10|3"),
        ("MODULO", "-1.5|0"),
        ("IN", "a,b"),
        ("IN", '["a", 5]'),
        ("IN", "[not json"),
        ("IS_SET", None),
        ("EQUAL", "1.2.3:semver"),
    ],
)
def test_what_flagsmith_takes_is_taken(operator: str, value: str | None) -> None:
    check_rules(rules(operator, value))

    assert can_be_evaluated(rules(operator, value))


def test_besides_traits_there_are_three_things_to_look_at() -> None:
    for about in PROPERTIES:
        check_rules(rules("EQUAL", "x", about))
    with pytest.raises(Invalid, match="The property is none that segments can look at"):
        check_rules(rules("EQUAL", "x", "$.flags.other.enabled"))


def test_every_mistake_of_nested_rules_is_named_at_once() -> None:
    wrong = {"property": "$..*", "operator": "REGEX", "value": "*"}
    nested = RULES.validate_python(
        [{"type": "ANY", "rules": [{"type": "ALL", "conditions": [{"property": "a", "operator": "IS_SET"}, wrong]}]}]
    )

    with pytest.raises(Invalid) as refused:
        check_rules(nested)

    at = "/rules/0/rules/0/conditions/1"
    assert [problem.pointer for problem in refused.value.problems] == [f"{at}/property", f"{at}/value"]
