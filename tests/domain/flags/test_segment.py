"""Validation of segment rules."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.flags.segment import DEEPEST_RULES, Operator, Rules

RULES: TypeAdapter[Any] = TypeAdapter(Rules)


def rule(*conditions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"type": "ALL", "rules": [], "conditions": list(conditions)} | more]


def condition(operator: str = "EQUAL", **more: Any) -> dict[str, Any]:
    return {"property": "plan", "operator": operator, "value": "5"} | more


def nested(depth: int) -> list[dict[str, Any]]:
    return rule(condition()) if depth == 1 else rule(rules=nested(depth - 1))


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_is_accepted(operator: Operator) -> None:
    [parsed] = RULES.validate_python(rule(condition(operator)))
    assert parsed.conditions[0].operator is operator


@pytest.mark.parametrize("operator", Operator)
def test_only_is_set_and_is_not_set_need_no_value(operator: Operator) -> None:
    written = rule({"property": "plan", "operator": operator.value})
    if operator in (Operator.IS_SET, Operator.IS_NOT_SET):
        assert RULES.validate_python(written)[0].conditions[0].value is None
        return
    with pytest.raises(ValidationError, match="must have a value"):
        RULES.validate_python(written)


@pytest.mark.parametrize("operator", Operator)
def test_only_a_percentage_split_needs_no_property(operator: Operator) -> None:
    written = rule({"operator": operator.value, "value": "5"})
    if operator is Operator.PERCENTAGE_SPLIT:
        assert RULES.validate_python(written)[0].conditions[0].property is None
        return
    with pytest.raises(ValidationError, match="must have a property"):
        RULES.validate_python(written)


@pytest.mark.parametrize(("sent", "stored"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("", ""), ("pro", "pro")])
def test_a_value_is_stored_as_text(sent: object, stored: str) -> None:
    assert RULES.validate_python(rule(condition(value=sent)))[0].conditions[0].value == stored


@pytest.mark.parametrize("percentage", ["0", "100", "12.5", 50])
def test_a_percentage_from_0_to_100_is_accepted(percentage: object) -> None:
    assert RULES.validate_python(rule(condition("PERCENTAGE_SPLIT", value=percentage)))


@pytest.mark.parametrize("percentage", ["-1", "100.1", "nan", "inf", "many", ""])
def test_an_invalid_percentage_is_refused(percentage: str) -> None:
    with pytest.raises(ValidationError, match="from 0 to 100"):
        RULES.validate_python(rule(condition("PERCENTAGE_SPLIT", value=percentage)))


@pytest.mark.parametrize(
    "written",
    [
        rule(condition("equal")),
        rule(condition("SOUNDS_LIKE")),
        rule(condition(property="")),
        rule(condition(property="x" * 256)),
        rule(condition(property="a\x00b")),
        rule(condition(value="a\x00b")),
        rule(condition(value="x" * 1_001)),
        rule(condition(value=["pro"])),
        rule(condition(negate=True)),
        rule(condition(), type="SOME"),
        rule(*[condition()] * 101),
        rule(condition(), description="new"),
        rule(condition()) * 51,
        [{"conditions": []}],
        {"type": "ALL"},
    ],
    ids=range(15),
)
def test_invalid_rules_are_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python(written)


def test_rules_can_be_nested_four_deep() -> None:
    assert RULES.validate_python(nested(DEEPEST_RULES))
    with pytest.raises(ValidationError, match="nested at most 4 deep"):
        RULES.validate_python(nested(DEEPEST_RULES + 1))
    with pytest.raises(ValidationError):
        RULES.validate_python(nested(300))


def test_rules_cross_json_unchanged() -> None:
    rules = RULES.validate_python(rule(condition(), rules=nested(2)))
    assert RULES.validate_json(RULES.dump_json(rules)) == rules
