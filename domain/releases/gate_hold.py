"""The reason why a stage that is due does not act."""

from typing import Literal

from domain.model import Message, Moment

GateHoldCode = Literal["stopped", "freeze", "window", "approval", "guardrail", "metric", "check", "experiment"]


class GateHold(Message):
    """The reason why a stage is held back, and until when, if that is known.

    It is no refusal: the stage acts as soon as nothing holds it back.
    """

    code: GateHoldCode
    message: str
    until: Moment | None = None
