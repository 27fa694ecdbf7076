"""Controls: what a person can do with a release, and in which states."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from domain.errors import ControlNotAllowed, StageMoved
from domain.model import Message
from domain.pipelines.pipeline import Stage
from domain.releases.status import FINISHED, UNFINISHED, ReleaseStatus, status_in_words


class Control(StrEnum):
    """A control: something that a person can do with a release."""

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
        """The control as a verb."""
        return "roll back" if self is Control.ROLLBACK else self.value


ACTING: Final = "acting"
"""The state of a running release while its stage is being carried out. It has its own column in `ALLOWED_WHEN`."""

_STEERABLE = frozenset({ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ReleaseStatus.BLOCKED})

ALLOWED_WHEN: dict[Control, frozenset[str]] = {
    Control.PAUSE: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ACTING}),
    Control.RESUME: frozenset({ReleaseStatus.PAUSED}),
    Control.ADVANCE: frozenset({ReleaseStatus.RUNNING, ACTING}),
    Control.SKIP: frozenset({*_STEERABLE, ACTING}),
    Control.RETRY: frozenset({ReleaseStatus.BLOCKED, ACTING}),
    Control.RESTART: frozenset({*_STEERABLE, ACTING}),
    Control.APPROVE: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ACTING}),
    Control.REJECT: frozenset({ReleaseStatus.STARTING, ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ACTING}),
    Control.ROLLBACK: frozenset({ReleaseStatus.STARTING, *_STEERABLE, ACTING, *FINISHED}) - {ReleaseStatus.ROLLED_BACK},
    Control.REMOVE: frozenset({*UNFINISHED, ACTING}),
}
"""The states in which each control is allowed.

While a stage acts, the record may show its outcome a moment before the workflow knows it. So *retry* and *advance* wait for the
outcome, and so does any control meant for a later visit. The other allowed controls cancel the stage, unless its change is already made.
"""

LEAVING = frozenset({Control.SKIP, Control.RESTART})
"""The controls that cancel a stage which is acting."""


def needs_right_of_stage(control: Control, stage: Stage, step: int) -> bool:
    """True if the control needs the right on the stage's environment, even if others approve the stage.

    It can pass over the approval, or make the stage act earlier or differently than its approvers expect.
    """
    if control is Control.SKIP:
        return stage.approval is not None
    return not stage.is_hold and (control in (Control.ADVANCE, Control.RESUME) or (control is Control.RETRY and step > 1))


APPROVAL_CONTROLS = (Control.APPROVE, Control.REJECT)
"""The controls that only make sense for a stage that requires approval."""


def allowed_controls(state: str, *, needs_approval: bool = False, is_newest: bool = True) -> list[str]:
    """Return the controls that are allowed in a state, for a stage that requires approval or does not.

    A finished release can be rolled back only if it is the newest of its feature.
    """
    possible = (control for control in Control if needs_approval or control not in APPROVAL_CONTROLS)
    allowed = [control for control in possible if state in ALLOWED_WHEN[control]]
    return [control.value for control in allowed if is_newest or control is not Control.ROLLBACK or state not in FINISHED]


def check_allowed(control: Control, state: str) -> None:
    """Raise ControlNotAllowed, which names the allowed controls, if this one is not allowed in that state."""
    if state not in ALLOWED_WHEN[control]:
        allowed = allowed_controls(state)
        raise ControlNotAllowed(not_allowed_in_words(control, state, allowed), status=state, allowed=allowed)


def not_allowed_in_words(control: Control, state: str, allowed: Sequence[str]) -> str:
    """Describe for people why a control is not allowed in a state, and which controls are."""
    remedy = f"allowed now: {', '.join(allowed)}" if allowed else "no control is allowed any more"
    return f"Can't {control.verb} a release that is {status_in_words(state)}; {remedy}."


class Expected(Message):
    """The stage, visit and step in which the caller last saw the release. A field that is not given is not checked."""

    stage: str | None = None
    visit: int | None = None
    step: int | None = None
    """The step of a rollout that acts next. Stages without a rollout have one step."""

    def with_default_visit(self, visit: int) -> "Expected":
        """Return it with that visit, unless the caller named one."""
        return self if self.visit is not None else self.model_copy(update={"visit": visit})

    def is_ahead_of(self, visit: int, step: int) -> bool:
        """True if the caller has seen a later visit or step: the record shows a change a moment before its workflow knows it."""
        seen = (visit if self.visit is None else self.visit, step if self.step is None else self.step)
        return seen > (visit, step)

    def check(self, stage: str, visit: int, step: int) -> None:
        """Raise StageMoved if the release is in another stage or visit, or another step acts next."""
        stage_differs = self.stage is not None and self.stage.casefold() != stage.casefold()
        if stage_differs or self.visit not in (None, visit) or self.step not in (None, step):
            at_step = f", step {step}" if self.step is not None else ""
            message = f"The release is now in stage '{stage}', visit {visit}{at_step}: look at it again before you decide."
            raise StageMoved(message, stage=stage, visit=visit, step=step)
