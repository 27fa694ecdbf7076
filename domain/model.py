"""Base models of the domain, and the type of a point in time."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
)

_NUMBER = re.compile(r"[+-]?[0-9._]+(e[+-]?[0-9]+)?", re.IGNORECASE)


class Frozen(BaseModel):
    """An immutable value. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NamedFields(Frozen):
    """A model that distinguishes an omitted field from one set to its default."""

    @property
    def named(self) -> set[str]:
        """The fields that were set explicitly."""
        return self.model_fields_set

    @model_serializer(mode="wrap")
    def _only_named(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # an annotation would replace the fields in the schema
        return {field: value for field, value in handler(self).items() if field in self.model_fields_set}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]


class Message(BaseModel):
    """A message that crosses Temporal. Unknown fields are ignored, because newer senders may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _not_a_number(moment: object) -> object:
    """Refuse a bare number: `since=5` is never meant as five seconds after 1970."""
    if isinstance(moment, int | float) or (isinstance(moment, str) and _NUMBER.fullmatch(moment.strip())):
        raise ValueError("must be a time such as 2026-01-31T09:30:00Z, not a number")
    return moment


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be within the years 1 to 9999 in UTC") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_not_a_number), AfterValidator(_in_utc)]
"""A point in time, in UTC."""
