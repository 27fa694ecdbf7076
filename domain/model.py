"""The frozen model that everything in the domain is made of, and the clock's type."""

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
    """An immutable value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NamedFields(Frozen):
    """A model in which a field that was not named is something else than a field with its default."""

    @property
    def named(self) -> set[str]:
        """The fields that were given."""
        return self.model_fields_set

    @model_serializer(mode="wrap")
    def _only_named(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # it would replace the fields in the schema
        return {field: value for field, value in handler(self).items() if field in self.model_fields_set}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]


class Message(BaseModel):
    """What crosses Temporal: newer senders may add fields, so unknown ones are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _written_out(moment: object) -> object:
    """Refuse a bare number: nobody who types `since=5` means five seconds after 1970."""
    if isinstance(moment, int | float) or (isinstance(moment, str) and _NUMBER.fullmatch(moment.strip())):
        raise ValueError("must be a time such as 2026-01-31T09:30:00Z, and not a number")
    return moment


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999 in UTC") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A point in time, in UTC."""
