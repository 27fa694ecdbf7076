"""The frozen model that everything in the domain is made of, and the clock's type."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(BaseModel):
    """What crosses Temporal: newer senders may add fields, so unknown ones are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999 in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time, in UTC."""
