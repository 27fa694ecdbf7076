"""Triggers: when a stage becomes due."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from domain.duration import Duration, speak_duration
from domain.instant import TimeZone, has_offset, parse_instant, print_instant
from domain.model import Frozen
from domain.pipelines.parameter import FromParameter, Parameters


class OnEnter(Frozen):
    """Due at once when the flag enters the stage."""

    type: Literal["ON_ENTER"]


class WaitFor(Frozen):
    """Due after a duration, counted from entering the stage."""

    type: Literal["WAIT_FOR"]
    duration: Duration


def _absent(value: object) -> bool:
    return value is None


class WaitUntil(Frozen):
    """Due at a point in time, written here or given when the flag is added; one that has passed is due at once."""

    type: Literal["WAIT_UNTIL"]
    timezone: TimeZone | None = Field(default=None, exclude_if=_absent)
    at: Annotated[str, StringConstraints(max_length=64)] | None = Field(default=None, exclude_if=_absent)
    at_from: FromParameter | None = Field(default=None, exclude_if=_absent)

    @field_validator("at")
    @classmethod
    def _is_instant(cls, at: str | None, info: ValidationInfo) -> str | None:
        if at is None or "timezone" not in info.data:
            return at
        if info.data["timezone"] and has_offset(at):
            raise ValueError("has an offset, so the timezone says nothing: leave one of them out")
        parse_instant(at, info.data["timezone"])
        return at

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.at is None) == (self.at_from is None):
            raise ValueError("needs either `at`, a point in time, or `at_from`, a parameter that gives it")
        return self

    def text_in(self, parameters: Parameters) -> str | None:
        """The point in time as it was written or given; nothing where the parameter was not filled in."""
        if self.at_from is None:
            return self.at
        given = parameters.get(self.at_from.parameter)
        return given if isinstance(given, str) else None

    def pinned(self, parameters: Parameters) -> Self:
        """The same with its point in time in UTC, whatever becomes of the zone's rules.

        As it is where none was given, or one that makes sense only in another stage: this one is then never entered.
        """
        text = self.text_in(parameters)
        try:
            return self if text is None else type(self)(type="WAIT_UNTIL", at=print_instant(parse_instant(text, self.timezone)))
        except ValueError:
            return self

    def instant(self) -> datetime:
        """The point in time that is written here. Raises ValueError where a parameter gives it."""
        if self.at is None:
            raise ValueError("a parameter gives the time")
        return parse_instant(self.at, self.timezone)


Trigger = Annotated[OnEnter | WaitFor | WaitUntil, Field(discriminator="type")]


def waits(trigger: Trigger) -> bool:
    """Whether time passes before the stage is due, as far as one can tell."""
    return isinstance(trigger, WaitUntil) or (isinstance(trigger, WaitFor) and trigger.duration > timedelta(0))


def trigger_in_words(trigger: Trigger) -> str:
    """The trigger as people say it."""
    match trigger:
        case WaitFor(duration=duration):
            return f"after {speak_duration(duration)}"
        case WaitUntil(at=str() as at, timezone=timezone):
            return f"at {at} {timezone}" if timezone else f"at {at}"
        case WaitUntil(at_from=FromParameter(parameter=name)):
            return f"at ‹{name}›"
        case _:
            return "at once"
