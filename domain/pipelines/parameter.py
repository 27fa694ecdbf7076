"""Parameters: values that a pipeline leaves open until a flag is added, so that one pipeline serves many flags."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.errors import Problem
from domain.flags.flag import Value, type_of
from domain.model import Frozen
from domain.text import Description, Slug, did_you_mean

MOST_PARAMETERS = 30

Parameters = Mapping[str, Value]
"""Name -> the value that a release was given; a point in time as its text."""


class ParameterType(StrEnum):
    """The type of a parameter."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATETIME = "datetime"

    @property
    def is_value(self) -> bool:
        """True if a flag can have it as its value."""
        return self is not ParameterType.DATETIME

    def accepts(self, value: Value) -> bool:
        """True if the value is of this type. A point in time is a text, whose form the stage that uses it checks."""
        expected = ParameterType.STRING if self is ParameterType.DATETIME else self
        return value is not None and type_of(value).value == expected.value


class Parameter(Frozen):
    """A declared parameter; without a default it must be given."""

    type: ParameterType
    description: Description = ""
    default: Value = Field(default=None, exclude_if=lambda default: default is None)

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        if self.default is not None and not self.type.accepts(self.default):
            raise ValueError(f"the default is of type {type_of(self.default)}, and the parameter of type {self.type}")
        return self


class FromParameter(Frozen):
    """A reference to the parameter that gives a value."""

    parameter: Slug

    def value_in(self, parameters: Parameters) -> Value:
        """Return the value that the release was given."""
        return parameters[self.parameter]

    def problems(self, pointer: str, declared: Mapping[str, Parameter], *, is_time: bool) -> Iterator[Problem]:
        """Yield a problem if the parameter is not declared or has the wrong type: `is_time` requires a point in time, otherwise a value."""
        parameter = declared.get(self.parameter)
        if parameter is None:
            hint = did_you_mean(self.parameter, declared)
            message = f"The parameter '{self.parameter}' is not declared: add it to `parameters`, or name another.{hint}"
            yield Problem(pointer=pointer, code="undeclared_parameter", message=message)
        elif is_time == parameter.type.is_value:
            expected = ParameterType.DATETIME.value if is_time else "string, integer or boolean"
            message = f"The parameter '{self.parameter}' is of type {parameter.type}; it must be {expected} here."
            yield Problem(pointer=pointer, code="parameter_type", message=message)


ValueSource = FromParameter
"""The source of a value that the pipeline itself does not hold. A new kind of source becomes one more member."""
