"""Why a stage that is due does not act."""

from typing import Literal

from domain.model import Message, Moment

HoldingCode = Literal["stopped", "freeze", "window", "approval"]


class Held(Message):
    """What keeps a stage from acting, and until when, where that is known. It is no refusal: the stage acts once nothing does."""

    code: HoldingCode
    message: str
    until: Moment | None = None
