"""Rules are normalized when they are written; those that some SDK can't evaluate are refused with pointers."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.errors import Invalid
from domain.flags.segment import Rules
from domain.flags.segment_rules import PROPERTIES, can_be_evaluated, normalize_rules

RULES: TypeAdapter[Any] = TypeAdapter(Rules)


def rules(operator: str, value: str | None, about: str = "plan") -> Any:
    """One rule with one condition."""
    return RULES.validate_python([{"type": "ALL", "conditions": [{"property": about, "operator": operator, "value": value}]}])


@pytest.mark.parametrize(
    ("operator", "value", "message"),
    [
        ("REGEX", "(", "The value is not a regular expression: missing )"),
        ("REGEX", "(a{500}){500}", "expanded"),
        ("REGEX", "[[:alpha:]]", "escape it"),
        ("REGEX", "a{e<=1}", "brace"),
        ("REGEX", "(" * 30 + ")" * 30, "nested"),
        ("MODULO", "3", "a divisor other than 0 and a remainder"),
        ("MODULO", "0|1", "a divisor other than 0"),
        ("MODULO", "inf|1", "a divisor other than 0 and a remainder"),
        ("MODULO", "2|nan", "a divisor other than 0 and a remainder"),
        ("MODULO", "1|2|3", "a divisor other than 0 and a remainder"),
        ("IN", "[[1]]", "must be a flat list"),
        ("IN", "[" * 1_000, "must be a flat list"),
    ],
)
def test_a_value_that_the_operator_cannot_use_is_refused(operator: str, value: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalize_rules(rules(operator, value))

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
def test_a_value_that_flagsmith_accepts_is_accepted(operator: str, value: str | None) -> None:
    normalize_rules(rules(operator, value))

    assert can_be_evaluated(rules(operator, value))


def test_a_property_is_a_trait_or_one_of_three_attributes() -> None:
    for about in PROPERTIES:
        normalize_rules(rules("EQUAL", "x", about))
    with pytest.raises(Invalid, match="The property must be the key of a trait, or one of"):
        normalize_rules(rules("EQUAL", "x", "$.flags.other.enabled"))


def test_all_problems_of_nested_rules_are_reported_at_once() -> None:
    wrong = {"property": "$..*", "operator": "REGEX", "value": "*"}
    nested = RULES.validate_python(
        [{"type": "ANY", "rules": [{"type": "ALL", "conditions": [{"property": "a", "operator": "IS_SET"}, wrong]}]}]
    )

    with pytest.raises(Invalid) as refused:
        normalize_rules(nested)

    at = "/rules/0/rules/0/conditions/1"
    assert [problem.pointer for problem in refused.value.problems] == [f"{at}/property", f"{at}/value"]


def test_values_are_normalized_in_nested_rules_too_with_a_warning_for_each() -> None:
    spaced, plain = {"property": "city", "operator": "IN", "value": "oslo, rome"}, {"property": "plan", "operator": "EQUAL", "value": "pro"}
    nested = RULES.validate_python([{"type": "ANY", "rules": [{"type": "ALL", "conditions": [plain, spaced]}], "conditions": [plain]}])

    normalized, warnings = normalize_rules(nested)

    assert [each.value for each in normalized[0].rules[0].conditions] == ["pro", "oslo,rome"]
    assert normalized[0].conditions == nested[0].conditions
    [warning] = [each for each in warnings if each.code == "value_normalized"]
    assert (warning.pointer, warning.code) == ("/rules/0/rules/0/conditions/1/value", "value_normalized")
    assert warning.message == "Stored as 'oslo,rome': spaces around list entries were removed."
    assert normalize_rules(normalized).rules == normalized


def test_a_warning_shows_the_beginning_of_a_long_value() -> None:
    [warning] = normalize_rules(rules("IN", "oslo, " * 100)).warnings

    assert warning.message.startswith("Stored as 'oslo,oslo,")
    assert len(warning.message) < 200


def test_a_list_with_a_problem_is_reported_once_and_together_with_its_property() -> None:
    with pytest.raises(Invalid) as refused:
        normalize_rules(rules("IN", " , ", "$.flags.other.enabled"))

    assert [problem.pointer for problem in refused.value.problems] == ["/rules/0/conditions/0/property", "/rules/0/conditions/0/value"]
    assert refused.value.problems[1].message == "The value must have at least one list entry."


@pytest.mark.parametrize("value", ["", ",", "oslo, rome", '["a,b", true]', "[NaN]"])
def test_a_list_that_was_stored_before_lists_were_normalized_is_still_evaluated(value: str) -> None:
    assert can_be_evaluated(rules("IN", value))


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("GREATER_THAN", "4.2:semver"),
        ("GREATER_THAN_INCLUSIVE", "latest:semver"),
        ("LESS_THAN", "v1.2.3:semver"),
        ("LESS_THAN_INCLUSIVE", "01.2.3:semver"),
        ("EQUAL", "1.2:semver"),
        ("NOT_EQUAL", ":semver"),
        ("GREATER_THAN", ""),
        ("GREATER_THAN", "1e400"),
        ("CONTAINS", ""),
        ("NOT_CONTAINS", ""),
        ("REGEX", ""),
        ("MODULO", "2|2"),
        ("MODULO", "2|-1"),
        ("MODULO", "-2|1"),
    ],
)
def test_a_value_that_matches_nothing_or_everything_is_refused_but_may_be_stored(operator: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalize_rules(rules(operator, value))

    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/rules/0/conditions/0/value", "condition_invalid")
    assert can_be_evaluated(rules(operator, value))


@pytest.mark.parametrize(
    ("operator", "value"), [("GREATER_THAN", "a"), ("LESS_THAN", "2026-01-31"), ("MODULO", "-2|-1"), ("LESS_THAN", ".5")]
)
def test_a_bound_of_text_and_a_negative_divisor_are_accepted(operator: str, value: str) -> None:
    normalize_rules(rules(operator, value))


@pytest.mark.parametrize("value", ["02134", "1.50", "02134,pro"])
def test_text_that_looks_like_a_number_is_accepted_with_advice(value: str) -> None:
    [warning] = normalize_rules(rules("IN", value)).warnings

    assert (warning.pointer, warning.code) == ("/rules/0/conditions/0/value", "read_as_number")
    assert f"'zip-{value.split(',', maxsplit=1)[0]}'" in warning.message


@pytest.mark.parametrize("value", ["2134", "1.5", "-7", "0", "pro", "1e3"])
def test_other_values_need_no_advice(value: str) -> None:
    assert normalize_rules(rules("IN", value)).warnings == ()


def test_an_empty_rule_is_refused_wherever_it_is() -> None:
    empty = {"type": "ANY", "conditions": []}
    with pytest.raises(Invalid) as refused:
        normalize_rules(RULES.validate_python([empty, {"type": "NONE", "rules": [empty]}]))

    assert {problem.pointer for problem in refused.value.problems} == {"/rules/1/rules/0", "/rules/0"}
    normalize_rules(())
