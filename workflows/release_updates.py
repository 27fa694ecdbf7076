"""Controls sent to a release as updates: their validation, the step each records, and the place it leads to."""

from typing import assert_never

from temporalio import workflow

from activities.messages import Advanced, Recorded, Restarted, Resumed, Retried, Skipped, Standing
from domain.errors import ControlNotAllowed
from domain.pipelines.pipeline import stage_to_restart
from domain.releases.control import Control
from workflows.messages import ReleaseInput, ReleasePlace, RestartRelease, RetryRelease, SteerRelease
from workflows.release_steps import next_stage, next_stage_at, place_in_stage
from workflows.update_queue import PendingUpdate, UpdateQueue, refusals_as_application_errors


class ReleaseUpdates:
    """A mixin with an update handler for each control. A handler returns when the record shows its effect."""

    updates: UpdateQueue

    def check(self, kind: Control, control: SteerRelease) -> None:
        """Raise the refusal of a control that is not allowed now."""
        raise NotImplementedError

    @workflow.update(name=Control.RESUME.value)
    async def resume(self, control: SteerRelease) -> None:
        """Resume the clock of a paused stage."""
        await self.updates.submit(Control.RESUME, control)

    @resume.validator
    def check_resume(self, control: SteerRelease) -> None:
        """Refuse unless the release is paused."""
        self._validate(Control.RESUME, control)

    @workflow.update(name=Control.ADVANCE.value)
    async def advance(self, control: SteerRelease) -> None:
        """Cut a wait short."""
        await self.updates.submit(Control.ADVANCE, control)

    @advance.validator
    def check_advance(self, control: SteerRelease) -> None:
        """Refuse unless the release is waiting."""
        self._validate(Control.ADVANCE, control)

    @workflow.update(name=Control.SKIP.value)
    async def skip(self, control: SteerRelease) -> None:
        """Leave the stage without acting."""
        await self.updates.submit(Control.SKIP, control)

    @skip.validator
    def check_skip(self, control: SteerRelease) -> None:
        """Refuse if the release has moved on."""
        self._validate(Control.SKIP, control)

    @workflow.update(name=Control.RETRY.value)
    async def retry(self, control: RetryRelease) -> None:
        """Retry a blocked stage."""
        await self.updates.submit(Control.RETRY, control)

    @retry.validator
    def check_retry(self, control: RetryRelease) -> None:
        """Refuse unless the release is blocked."""
        self._validate(Control.RETRY, control)

    @workflow.update(name=Control.RESTART.value)
    async def restart(self, control: RestartRelease) -> None:
        """Return to an earlier stage. Nothing is undone."""
        await self.updates.submit(Control.RESTART, control)

    @restart.validator
    def check_restart(self, control: RestartRelease) -> None:
        """Refuse a stage that the release has not reached."""
        self._validate(Control.RESTART, control)

    def _validate(self, kind: Control, control: SteerRelease) -> None:
        """Accept an update that was completed before: its handler returns at once."""
        with refusals_as_application_errors():
            if not self.updates.is_repeated():
                self.check(kind, control)


def step_of(release: ReleaseInput, place: ReleasePlace, update: PendingUpdate) -> Resumed | Advanced | Skipped | Restarted | Retried:
    """Return the step that a control records."""
    control = update.control
    who = {"by": control.by, "reason": control.reason}
    match update.kind:
        case Control.RESUME:
            return Resumed(**who, entered_at=place.entered_at, left=place.left)
        case Control.ADVANCE:
            return Advanced(**who)
        case Control.SKIP:
            return Skipped(**who, next=next_stage(release, place))
        case Control.RESTART:
            if not isinstance(control, RestartRelease):
                raise TypeError("a restart must name its stage")
            index = stage_to_restart(release.stages, range(release.starting_stage, place.index + 1), control.stage)
            return Restarted(**who, stage=next_stage_at(release, index))
        case Control.RETRY:
            return Retried(**who, overwrite=isinstance(control, RetryRelease) and control.overwrite)
        case Control.PAUSE | Control.APPROVE | Control.REJECT | Control.ROLLBACK | Control.REMOVE:
            raise ValueError(f"{update.kind} is decided by the record, not by an update")
    assert_never(update.kind)


def place_after_update(release: ReleaseInput, place: ReleasePlace, update: PendingUpdate, answer: Recorded) -> ReleasePlace | None:
    """Return the place after the control is recorded, or None after the last stage."""
    step = step_of(release, place, update)
    match step:
        case Skipped(next=following):
            skipped = place.updated(skipped=(*place.skipped, place.index))
            return place_in_stage(following, skipped, answer.at, answer.sequence) if following else None
        case Restarted(stage=stage):
            return place_in_stage(stage, place, answer.at, answer.sequence)
        case Resumed() | Advanced() | Retried():
            place = place.updated(held=None)
            rollback = place.rollback and place.rollback.asked_again(update.control.by, answer.at)
            return place.updated(
                sequence=answer.sequence, blocked=None, paused=None, rollback=rollback, acts_at=answer.acts_at or answer.at
            )


def moved_on(standing: Standing) -> ControlNotAllowed:
    """Return the refusal of a control that was sent for another place of the release."""
    return ControlNotAllowed("The release has moved on. Look at it again before you decide.", status=standing.status)
