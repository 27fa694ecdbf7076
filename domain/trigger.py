"""Triggers: when a stage becomes due."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from domain.duration import Duration, speak_duration
from domain.model import Frozen


class OnEnter(Frozen):
    """Due at once when the flag enters the stage."""

    type: Literal["ON_ENTER"]


class WaitFor(Frozen):
    """Due after a duration, counted from entering the stage."""

    type: Literal["WAIT_FOR"]
    duration: Duration


Trigger = Annotated[OnEnter | WaitFor, Field(discriminator="type")]


def waits(trigger: Trigger) -> bool:
    """Whether time passes before the stage is due."""
    return isinstance(trigger, WaitFor) and trigger.duration > timedelta(0)


def trigger_in_words(trigger: Trigger) -> str:
    """The trigger as people say it."""
    return "at once" if isinstance(trigger, OnEnter) else f"after {speak_duration(trigger.duration)}"
