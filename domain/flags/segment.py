"""Segment rules over traits, in Flagsmith's format."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from domain.model import Frozen
from domain.text import ShortText

DEEPEST_RULES = 4


class Operator(StrEnum):
    """Comparison operators (Flagsmith's SDK API)."""

    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_INCLUSIVE = "GREATER_THAN_INCLUSIVE"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_INCLUSIVE = "LESS_THAN_INCLUSIVE"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    REGEX = "REGEX"
    PERCENTAGE_SPLIT = "PERCENTAGE_SPLIT"
    MODULO = "MODULO"
    IS_SET = "IS_SET"
    IS_NOT_SET = "IS_NOT_SET"
    IN = "IN"


def _as_text(value: object) -> object:
    """Convert numbers and booleans to text: Flagsmith's dashboard also sends those, and its engine compares their text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


ConditionValue = Annotated[
    Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")] | None,
    BeforeValidator(_as_text),
]


class Condition(Frozen):
    """A comparison of one trait with a value."""

    property: ShortText | None = None
    operator: Operator
    value: ConditionValue = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.operator is not Operator.PERCENTAGE_SPLIT and self.property is None:
            raise ValueError("must have a property: the trait to compare")
        if self.operator in (Operator.IS_SET, Operator.IS_NOT_SET):
            return self
        if self.value is None:
            raise ValueError(f"must have a value for {self.operator} to compare with")
        if self.operator is Operator.PERCENTAGE_SPLIT and not _is_percentage(self.value):
            raise ValueError("must have a value from 0 to 100 for PERCENTAGE_SPLIT")
        return self


class Rule(Frozen):
    """Conditions and nested rules, of which all, any or none must match."""

    type: Literal["ALL", "ANY", "NONE"]
    rules: tuple["Rule", ...] = Field(default=(), max_length=50)
    conditions: tuple[Condition, ...] = Field(default=(), max_length=100)

    def depth(self) -> int:
        """Return the number of nested levels, this rule included."""
        return 1 + max((rule.depth() for rule in self.rules), default=0)


def _not_too_deep(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    if any(rule.depth() > DEEPEST_RULES for rule in rules):
        raise ValueError(f"must be nested at most {DEEPEST_RULES} deep")
    return rules


def _is_percentage(text: str) -> bool:
    try:
        return 0 <= float(text) <= 100
    except ValueError:
        return False


Rules = Annotated[tuple[Rule, ...], Field(max_length=50), AfterValidator(_not_too_deep)]
