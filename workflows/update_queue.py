"""Controls that people send into a running release, and their answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.errors import Refusal
from domain.releases.control import LEAVING, Control
from workflows.messages import REMEMBERED_UPDATES, SteerRelease


class PendingUpdate:
    """One control, from the moment it is let in until the record shows its effect."""

    def __init__(self, kind: Control, control: SteerRelease) -> None:
        self.kind = kind
        self.control = control
        self.is_settled = False
        self.refusal: Refusal | None = None

    def settle(self) -> None:
        """The record shows it."""
        self.is_settled = True

    def refuse(self, refusal: Refusal) -> None:
        """It came too late."""
        self.refusal = refusal
        self.is_settled = True


class UpdateQueue:
    """The controls that wait for the loop, and the ids of those it has settled."""

    def __init__(self, settled: Sequence[str]) -> None:
        self.settled = tuple(settled)
        self._waiting: list[PendingUpdate] = []

    @property
    def any_waiting(self) -> bool:
        """Whether the loop has something to settle."""
        return self.next() is not None

    def any_leaving(self, visit: int) -> bool:
        """Whether somebody wants the stage of that visit left, while it may be acting."""
        waiting = (request for request in self._waiting if not request.is_settled)
        return any(request.kind in LEAVING and not request.control.expected.is_ahead_of(visit) for request in waiting)

    def next(self) -> PendingUpdate | None:
        """The control that came first. It waits until it is settled: a cancel may come between."""
        while self._waiting and self._waiting[0].is_settled:
            self._waiting.pop(0)
        return self._waiting[0] if self._waiting else None

    def refuse_all(self, refusal: Refusal) -> None:
        """Answer everybody who still waits."""
        while request := self.next():
            request.refuse(refusal)

    def knows_current(self) -> bool:
        """Whether the update being handled was settled before, in this run or an earlier one."""
        info = workflow.current_update_info()
        return info is not None and info.id in self.settled

    async def ask(self, kind: Control, control: SteerRelease) -> None:
        """Put a control before the loop and wait until it is settled. Raises ApplicationError with the refusal's name."""
        if self.knows_current():
            return
        request = PendingUpdate(kind, control)
        self._waiting.append(request)
        await workflow.wait_condition(lambda: request.is_settled)
        if request.refusal:
            raise as_application_error(request.refusal)
        if info := workflow.current_update_info():
            self.settled = (*self.settled, info.id)[-REMEMBERED_UPDATES:]


def as_application_error(refusal: Refusal) -> ApplicationError:
    """A refusal as it crosses Temporal: its class name is the type, its details go along."""
    return ApplicationError(refusal.message, refusal.details, type=type(refusal).__name__, non_retryable=True)


@contextmanager
def refusals_as_application_errors() -> Iterator[None]:
    """Let refusals cross Temporal."""
    try:
        yield
    except Refusal as refusal:
        raise as_application_error(refusal) from refusal
