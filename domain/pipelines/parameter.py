"""Parameters: what a pipeline asks for when a flag is added, so that one pipeline serves many flags."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.flags.flag import Value, type_of
from domain.model import Frozen
from domain.text import Description, Slug

MOST_PARAMETERS = 30

Parameters = Mapping[str, Value]
"""Name -> the value that a release was given; a point in time as its text."""


class ParameterType(StrEnum):
    """What a parameter takes."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATETIME = "datetime"

    @property
    def is_value(self) -> bool:
        """Whether a flag can have it as its value."""
        return self is not ParameterType.DATETIME

    def takes(self, value: Value) -> bool:
        """Whether the value is of this type; a point in time is a text, whose form depends on where it is used."""
        wanted = ParameterType.STRING if self is ParameterType.DATETIME else self
        return value is not None and type_of(value).value == wanted.value


class Parameter(Frozen):
    """A declared parameter; without a default it must be given."""

    type: ParameterType
    description: Description = ""
    default: Value = Field(default=None, exclude_if=lambda default: default is None)

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        if self.default is not None and not self.type.takes(self.default):
            raise ValueError(f"the default is of type {type_of(self.default)}, and the parameter of type {self.type}")
        return self


class FromParameter(Frozen):
    """A value that is filled in when a flag is added."""

    parameter: Slug

    def value_in(self, parameters: Parameters) -> Value:
        """What the release was given."""
        return parameters[self.parameter]


ValueSource = FromParameter
"""Where a value comes from that the pipeline does not hold itself. A further source is one more member."""
