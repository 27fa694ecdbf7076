"""Gates: conditions, besides the trigger, under which a stage may act."""

from collections.abc import Iterable
from typing import Annotated, Literal, final

from pydantic import Field

from domain.duration import Duration, speak_duration
from domain.model import Frozen
from domain.pipelines.window import WindowGate

MOST_GATES = 5
MOST_APPROVALS = 20


@final
class ApprovalGate(Frozen):
    """Acts only after `approvals` different people with the right on the environment have approved exactly what will be applied.

    The person who added the flag is not one of them, unless allowed. The release blocks once `timeout` has passed since the stage was due.
    """

    type: Literal["APPROVAL"]
    approvals: int = Field(default=1, ge=1, le=MOST_APPROVALS, strict=True)
    allow_requester: bool = Field(default=False, strict=True)
    timeout: Duration | None = Field(default=None, exclude_if=lambda timeout: timeout is None)

    def in_words(self) -> str:
        """Describe it for people: `2 approvals within 1 d`."""
        within = f" within {speak_duration(self.timeout)}" if self.timeout else ""
        return f"{self.approvals} approval{'s' if self.approvals > 1 else ''}{within}"


Gate = Annotated[ApprovalGate | WindowGate, Field(discriminator="type")]


def approval_among(gates: Iterable[Gate]) -> ApprovalGate | None:
    """Return the approval gate, if there is one. Publishing ensures that there is at most one."""
    return next((gate for gate in gates if isinstance(gate, ApprovalGate)), None)
