"""Gates: what must hold, besides the trigger, before a stage acts."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from domain.duration import Duration, speak_duration
from domain.model import Frozen
from domain.pipelines.window import WindowGate

MOST_GATES = 5
MOST_APPROVALS = 20


class ApprovalGate(Frozen):
    """Acts only once so many different people with the right on the environment have approved exactly what will be applied.

    Whoever added the flag is not one of them, unless allowed. After `timeout` from being due the release blocks.
    """

    type: Literal["APPROVAL"]
    approvals: int = Field(default=1, ge=1, le=MOST_APPROVALS, strict=True)
    allow_requester: bool = Field(default=False, strict=True)
    timeout: Duration | None = Field(default=None, exclude_if=lambda timeout: timeout is None)


Gate = Annotated[ApprovalGate | WindowGate, Field(discriminator="type")]


def approval_among(gates: Iterable[Gate]) -> ApprovalGate | None:
    """The gate that asks people, if there is one; publishing sees to it that there is one at most."""
    return next((gate for gate in gates if isinstance(gate, ApprovalGate)), None)


def gate_in_words(gate: Gate) -> str:
    """What a gate asks for, as people say it."""
    match gate:
        case ApprovalGate(approvals=number, timeout=timeout):
            within = f" within {speak_duration(timeout)}" if timeout else ""
            return f"{number} approval{'s' if number > 1 else ''}{within}"
        case WindowGate(timezone=timezone, ranges=ranges):
            spans = "; ".join(f"{', '.join(each.days)} {each.start}–{each.end}" for each in ranges)
            return f"only {spans} {timezone}"
