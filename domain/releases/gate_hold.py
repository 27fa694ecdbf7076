"""Why a stage that is due does not act."""

from typing import Literal

from domain.model import Message, Moment

GateHoldCode = Literal["stopped", "freeze", "window", "approval"]


class GateHold(Message):
    """What keeps a stage from acting, and until when, where that is known. It is no refusal: the stage acts once nothing does."""

    code: GateHoldCode
    message: str
    until: Moment | None = None
