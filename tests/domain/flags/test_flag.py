"""The type of a feature decides which values it accepts."""

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.errors import ValueTypeWrong
from domain.flags.flag import LARGEST_INTEGER, LONGEST_STRING, FeatureType, FlagState, Override, Value, check_value, type_of

VALUE: TypeAdapter[Value] = TypeAdapter(Value)

ACCEPTED: dict[str, list[Value]] = {
    "toggle": [],
    "string": ["", "v2", "1", "true", "null"],
    "integer": [0, 1, -7, LARGEST_INTEGER, -LARGEST_INTEGER],
    "boolean": [True, False],
}
EVERY_VALUE = [value for values in ACCEPTED.values() for value in values]


@pytest.mark.parametrize("feature_type", FeatureType)
@pytest.mark.parametrize("value", EVERY_VALUE, ids=repr)
def test_a_feature_accepts_only_values_of_its_type(feature_type: FeatureType, value: Value) -> None:
    accepted = any(value == other and type(value) is type(other) for other in ACCEPTED[feature_type])
    if accepted:
        check_value(feature_type, value)
        assert type_of(value) is feature_type
        return
    with pytest.raises(ValueTypeWrong) as refused:
        check_value(feature_type, value, "The value for 'beta'")
    assert refused.value.details == {"expected": feature_type.value}
    assert refused.value.message.startswith("The value for 'beta' is of type ")


@pytest.mark.parametrize("feature_type", FeatureType)
def test_every_feature_accepts_no_value(feature_type: FeatureType) -> None:
    check_value(feature_type, None)


def test_no_value_means_a_toggle() -> None:
    assert type_of(None) is FeatureType.TOGGLE


@pytest.mark.parametrize("value", [*EVERY_VALUE, None, "é🚩\n", "x" * LONGEST_STRING], ids=lambda value: repr(value)[:20])
def test_a_value_crosses_json_with_its_type(value: Value) -> None:
    parsed = VALUE.validate_json(VALUE.dump_json(value))
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "sent",
    [1.0, 1.5, LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, "x" * (LONGEST_STRING + 1), "a\x00b", "a\ud800b", [], {}, ["a"], b"a"],
    ids=lambda sent: repr(sent)[:20],
)
def test_an_invalid_value_is_refused(sent: object) -> None:
    with pytest.raises(ValidationError, match="must be a string of at most"):
        VALUE.validate_python(sent)


def test_a_new_override_gets_a_priority_after_all_others() -> None:
    assert FlagState().next_priority() == 0
    assert FlagState(overrides={"a": Override(priority=7), "b": Override(priority=2)}).next_priority() == 8
