"""Controls: what a person can do with a release, and when."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from domain.errors import ControlNotAllowed, StageMoved
from domain.model import Message
from domain.releases.status import FINISHED, UNFINISHED, ReleaseStatus, status_in_words


class Control(StrEnum):
    """What a person can do with a release."""

    PAUSE = "pause"
    RESUME = "resume"
    ADVANCE = "advance"
    SKIP = "skip"
    RETRY = "retry"
    RESTART = "restart"
    APPROVE = "approve"
    REJECT = "reject"
    ROLLBACK = "rollback"
    REMOVE = "remove"

    @property
    def verb(self) -> str:
        """How people say it."""
        return "roll back" if self is Control.ROLLBACK else self.value


ACTING: Final = "acting"
"""The column of its own: a running release whose stage is being carried out right now."""

_STANDING = frozenset({ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ReleaseStatus.BLOCKED})

ALLOWED_WHEN: dict[Control, frozenset[str]] = {
    Control.PAUSE: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ACTING}),
    Control.RESUME: frozenset({ReleaseStatus.PAUSED}),
    Control.ADVANCE: frozenset({ReleaseStatus.RUNNING, ACTING}),
    Control.SKIP: frozenset({*_STANDING, ACTING}),
    Control.RETRY: frozenset({ReleaseStatus.BLOCKED, ACTING}),
    Control.RESTART: frozenset({*_STANDING, ACTING}),
    Control.APPROVE: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ACTING}),
    Control.REJECT: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ACTING}),
    Control.ROLLBACK: frozenset({ReleaseStatus.STARTING, *_STANDING, ACTING, *FINISHED}) - {ReleaseStatus.ROLLED_BACK},
    Control.REMOVE: frozenset({*UNFINISHED, ACTING}),
}
"""While a stage acts, the record may show what came of it a moment before the workflow knows: *retry* and *advance* wait for the outcome,
and so does whatever was asked of a later visit. The others that are allowed then call the stage off, unless its change was made already.
"""

LEAVING = frozenset({Control.SKIP, Control.RESTART})
"""The controls that call off a stage which is acting."""


DECIDING = (Control.APPROVE, Control.REJECT)
"""The controls that make sense only where a stage asks people."""


def allowed_controls(standing: str, *, asks: bool = False, is_newest: bool = True) -> list[str]:
    """The controls that make sense for a release standing so, whose stage asks people or does not.

    One that has ended is rolled back only where it is the newest of its feature.
    """
    possible = (control for control in Control if asks or control not in DECIDING)
    allowed = [control for control in possible if standing in ALLOWED_WHEN[control]]
    return [control.value for control in allowed if is_newest or control is not Control.ROLLBACK or standing not in FINISHED]


def check_allowed(control: Control, standing: str) -> None:
    """Raise ControlNotAllowed, naming what is allowed, if the control makes no sense now."""
    if standing not in ALLOWED_WHEN[control]:
        allowed = allowed_controls(standing)
        raise ControlNotAllowed(not_allowed_in_words(control, standing, allowed), status=standing, allowed=allowed)


def not_allowed_in_words(control: Control, standing: str, allowed: Sequence[str]) -> str:
    """Why a control makes no sense for a release standing so, and which do."""
    remedy = f"allowed now: {', '.join(allowed)}" if allowed else "nothing can be done with it any more"
    return f"The release is {status_in_words(standing)}, so it can't be asked to {control.verb}; {remedy}."


class Expected(Message):
    """Where the caller last saw the release; what is not given is not checked."""

    stage: str | None = None
    visit: int | None = None

    def or_visit(self, visit: int) -> "Expected":
        """The same, with that visit where the caller named none."""
        return self if self.visit is not None else self.model_copy(update={"visit": visit})

    def is_ahead_of(self, visit: int) -> bool:
        """Whether the caller has seen a later visit: the record shows a change a moment before its workflow knows."""
        return self.visit is not None and self.visit > visit

    def check(self, stage: str, visit: int) -> None:
        """Raise StageMoved if the release has gone on since."""
        stage_differs = self.stage is not None and self.stage.casefold() != stage.casefold()
        if stage_differs or self.visit not in (None, visit):
            message = f"The release is in stage '{stage}', visit {visit}: look at it again before you decide."
            raise StageMoved(message, stage=stage, visit=visit)
