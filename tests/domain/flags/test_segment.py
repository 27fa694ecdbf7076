"""Segments are given by rules over traits."""

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
def test_every_operator_compares_a_trait_with_a_value(operator: Operator) -> None:
    [read] = RULES.validate_python(rule(condition(operator)))
    assert read.conditions[0].operator is operator


@pytest.mark.parametrize("operator", Operator)
def test_only_the_question_whether_a_trait_is_set_needs_no_value(operator: Operator) -> None:
    written = rule({"property": "plan", "operator": operator.value})
    if operator in (Operator.IS_SET, Operator.IS_NOT_SET):
        assert RULES.validate_python(written)[0].conditions[0].value is None
        return
    with pytest.raises(ValidationError, match="needs a value"):
        RULES.validate_python(written)


@pytest.mark.parametrize("operator", Operator)
def test_only_a_percentage_split_needs_no_trait(operator: Operator) -> None:
    written = rule({"operator": operator.value, "value": "5"})
    if operator is Operator.PERCENTAGE_SPLIT:
        assert RULES.validate_python(written)[0].conditions[0].property is None
        return
    with pytest.raises(ValidationError, match="needs a property"):
        RULES.validate_python(written)


@pytest.mark.parametrize(("sent", "kept"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("", ""), ("pro", "pro")])
def test_a_value_is_kept_as_its_text(sent: object, kept: str) -> None:
    assert RULES.validate_python(rule(condition(value=sent)))[0].conditions[0].value == kept


@pytest.mark.parametrize("share", ["0", "100", "12.5", 50])
def test_a_share_lies_between_0_and_100(share: object) -> None:
    assert RULES.validate_python(rule(condition("PERCENTAGE_SPLIT", value=share)))


@pytest.mark.parametrize("share", ["-1", "100.1", "nan", "inf", "many", ""])
def test_what_is_no_share_is_refused(share: str) -> None:
    with pytest.raises(ValidationError, match="from 0 to 100"):
        RULES.validate_python(rule(condition("PERCENTAGE_SPLIT", value=share)))


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
def test_rules_that_make_no_sense_are_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python(written)


def test_rules_nest_only_so_deep() -> None:
    assert RULES.validate_python(nested(DEEPEST_RULES))
    with pytest.raises(ValidationError, match="nested at most 4 deep"):
        RULES.validate_python(nested(DEEPEST_RULES + 1))
    with pytest.raises(ValidationError):
        RULES.validate_python(nested(300))


def test_rules_cross_json_unchanged() -> None:
    rules = RULES.validate_python(rule(condition(), rules=nested(2)))
    assert RULES.validate_json(RULES.dump_json(rules)) == rules
