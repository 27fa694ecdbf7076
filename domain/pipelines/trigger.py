"""Triggers: the rules by which a stage becomes due.

A trigger is one class in this module, with the rules that `TriggerRules` names. No other module distinguishes triggers by their type.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, final

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from domain.duration import Duration, speak_duration
from domain.errors import Problem
from domain.instant import TimeZone, has_offset, parse_instant, print_instant
from domain.pipelines.parameter import FromParameter, Parameter, Parameters
from domain.pipelines.trigger_rules import TriggerRules

FARTHEST = timedelta(days=5 * 366)
"""The farthest that a point in time may lie ahead."""


class _CountsFromEntry(TriggerRules):
    """A trigger that is due some time after the stage is entered."""

    @property
    @abstractmethod
    def _delay(self) -> timedelta:
        """The time from entering the stage until it is due."""

    @property
    def is_fixed_time(self) -> bool:
        return False

    @property
    def waits(self) -> bool:
        return self._delay > timedelta(0)

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset()

    def due_at(self, entered_at: datetime) -> datetime:
        return entered_at + self._delay

    def with_fixed_time(self, _parameters: Parameters) -> Self:
        return self

    def publishing_problems(self, _pointer: str, _declared: Mapping[str, Parameter], _now: datetime) -> Iterator[Problem]:
        yield from ()

    def binding_problems(self, _stage: str, _parameters: Parameters, _now: datetime) -> Iterator[Problem]:
        yield from ()

    def note(self, _entered_at: datetime) -> None:
        return None


@final
class OnEnter(_CountsFromEntry):
    """Due at once when the flag enters the stage."""

    type: Literal["ON_ENTER"]

    @property
    def _delay(self) -> timedelta:
        return timedelta(0)

    def in_words(self) -> str:
        """Describe it for people."""
        return "at once"


@final
class WaitFor(_CountsFromEntry):
    """Due after a duration, counted from entering the stage."""

    type: Literal["WAIT_FOR"]
    duration: Duration

    @property
    def _delay(self) -> timedelta:
        return self.duration

    def publishing_problems(self, pointer: str, _declared: Mapping[str, Parameter], _now: datetime) -> Iterator[Problem]:
        """Yield a problem if the duration is zero."""
        if not self.waits:
            message = "The duration must be greater than zero: give one, or use ON_ENTER."
            yield Problem(pointer=f"{pointer}/duration", code="wait_not_positive", message=message)

    def in_words(self) -> str:
        """Describe it for people."""
        return f"after {speak_duration(self.duration)}"


def _absent(value: object) -> bool:
    return value is None


@final
class WaitUntil(TriggerRules):
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
            raise ValueError("has an offset, so the timezone has no effect: leave one of them out")
        parse_instant(at, info.data["timezone"])
        return at

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.at is None) == (self.at_from is None):
            raise ValueError("needs either `at`, a point in time, or `at_from`, a parameter that gives it")
        return self

    @property
    def is_fixed_time(self) -> bool:
        """A pause does not move it."""
        return True

    @property
    def waits(self) -> bool:
        """Always true: it is not known beforehand when the stage is entered."""
        return True

    @property
    def parameters(self) -> frozenset[str]:
        """The parameter that gives the time, if one does."""
        return frozenset({self.at_from.parameter} if self.at_from else ())

    def instant(self) -> datetime:
        """Return the point in time that `at` gives. Raises ValueError if a parameter gives it."""
        if self.at is None:
            raise ValueError("a parameter gives the time")
        return parse_instant(self.at, self.timezone)

    def due_at(self, entered_at: datetime) -> datetime:
        """Return the point in time, or the time of entering if that is later."""
        return max(self.instant(), entered_at)

    def has_passed(self, entered_at: datetime) -> bool:
        """Return True if its point in time has passed when a stage is entered at that time."""
        return self.instant() < entered_at

    def with_fixed_time(self, parameters: Parameters) -> Self:
        """Return it with its point in time in UTC.

        Unchanged if the parameter is missing, or only makes sense in another stage: a release then never enters this one.
        """
        text = self._text_in(parameters)
        try:
            return self if text is None else type(self)(type="WAIT_UNTIL", at=print_instant(parse_instant(text, self.timezone)))
        except ValueError:
            return self

    def publishing_problems(self, pointer: str, declared: Mapping[str, Parameter], now: datetime) -> Iterator[Problem]:
        """Yield what is wrong with the parameter, or with the point in time that `at` or the default gives."""
        if self.at_from:
            yield from self.at_from.problems(f"{pointer}/at_from/parameter", declared, is_time=True)
        text = self._text_in({name: each.default for name, each in declared.items()})
        if text and (wrong := self._wrong_with(text, now)):
            yield Problem(pointer=f"{pointer}/{'at_from' if self.at_from else 'at'}", code="not_a_time", message=f"{wrong}.")

    def binding_problems(self, stage: str, parameters: Parameters, now: datetime) -> Iterator[Problem]:
        """Yield what is wrong with the point in time that the parameter gives."""
        text = self._text_in(parameters)
        if self.at_from and text is not None and (wrong := self._wrong_with(text, now)):
            name = self.at_from.parameter
            message = f"The parameter '{name}' gives the time of stage '{stage}': {wrong}."
            yield Problem(pointer=f"/parameters/{name}", code="not_a_time", message=message)

    def note(self, entered_at: datetime) -> str | None:
        """Return a remark if its point in time has passed when the stage is entered."""
        if self.at is None or not self.has_passed(entered_at):
            return None
        return f"Its time, {self.instant():%Y-%m-%d %H:%M:%S} UTC, has passed when the stage is entered, so it acts at once."

    def in_words(self) -> str:
        """Describe it for people. A parameter is shown by its name."""
        if self.at_from:
            return f"at ‹{self.at_from.parameter}›"
        return f"at {self.at} {self.timezone}" if self.timezone else f"at {self.at}"

    def _text_in(self, parameters: Parameters) -> str | None:
        """Return the point in time as it was written or given; None if the parameter is missing or is no text."""
        given = parameters.get(self.at_from.parameter) if self.at_from else self.at
        return given if isinstance(given, str) else None

    def _wrong_with(self, text: str, now: datetime) -> str | None:
        """Return why a stage can't wait until then, if it can't."""
        try:
            instant = parse_instant(text, self.timezone)
        except ValueError as error:
            return f"'{text}' {error}"
        return f"'{text}' is more than five years ahead" if instant - now > FARTHEST else None


Trigger = Annotated[OnEnter | WaitFor | WaitUntil, Field(discriminator="type")]
