"""The queue of controls that wait for a release's main loop, and their results."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.errors import Refusal
from domain.releases.control import LEAVING, Control
from workflows.messages import REMEMBERED_UPDATES, SteerRelease


class PendingUpdate:
    """One control, from its acceptance until the record shows its effect."""

    def __init__(self, kind: Control, control: SteerRelease) -> None:
        self.kind = kind
        self.control = control
        self.is_done = False
        self.refusal: Refusal | None = None

    def complete(self) -> None:
        """Mark the control as done: the record shows its effect."""
        self.is_done = True

    def fail(self, refusal: Refusal) -> None:
        """Refuse the control after it was accepted."""
        self.refusal = refusal
        self.is_done = True


class UpdateQueue:
    """Controls waiting for the main loop, and the ids of completed ones."""

    def __init__(self, completed_ids: Sequence[str]) -> None:
        self.completed_ids = tuple(completed_ids)
        self._pending: list[PendingUpdate] = []

    @property
    def has_pending(self) -> bool:
        """True if a control waits for the main loop."""
        return self.next() is not None

    def has_leaving(self, visit: int, step: int) -> bool:
        """True if a pending control would leave the stage of that visit, whose step may be acting."""
        pending = (update for update in self._pending if not update.is_done)
        return any(update.kind in LEAVING and not update.control.expected.is_ahead_of(visit, step) for update in pending)

    def next(self) -> PendingUpdate | None:
        """Return the oldest pending control. It stays in the queue until it is done, because a cancel may interrupt the loop."""
        while self._pending and self._pending[0].is_done:
            self._pending.pop(0)
        return self._pending[0] if self._pending else None

    def fail_all(self, refusal: Refusal) -> None:
        """Refuse every pending control."""
        while update := self.next():
            update.fail(refusal)

    def is_repeated(self) -> bool:
        """True if the update being handled was already completed, in this run or an earlier one."""
        info = workflow.current_update_info()
        return info is not None and info.id in self.completed_ids

    async def submit(self, kind: Control, control: SteerRelease) -> None:
        """Queue a control and wait until it is done. Raises ApplicationError with the refusal's class name as its type."""
        if self.is_repeated():
            return
        update = PendingUpdate(kind, control)
        self._pending.append(update)
        await workflow.wait_condition(lambda: update.is_done)
        if update.refusal:
            raise as_application_error(update.refusal)
        if info := workflow.current_update_info():
            self.completed_ids = (*self.completed_ids, info.id)[-REMEMBERED_UPDATES:]


def as_application_error(refusal: Refusal) -> ApplicationError:
    """Return the refusal in the form that crosses Temporal: its class name as the type, with its details."""
    return ApplicationError(refusal.message, refusal.details, type=type(refusal).__name__, non_retryable=True)


@contextmanager
def refusals_as_application_errors() -> Iterator[None]:
    """Convert refusals so that they can cross Temporal."""
    try:
        yield
    except Refusal as refusal:
        raise as_application_error(refusal) from refusal
