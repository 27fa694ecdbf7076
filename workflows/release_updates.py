"""The controls that people send into a release: how they are let in, what each writes, and where it leads."""

from typing import assert_never

from temporalio import workflow

from activities.messages import Advanced, Recorded, Restarted, Resumed, Retried, Skipped
from domain.pipelines.pipeline import stage_to_restart
from domain.releases.control import Control
from workflows.messages import ReleaseInput, ReleasePlace, RestartRelease, RetryRelease, SteerRelease
from workflows.release_steps import next_stage, place_in, to_enter
from workflows.update_queue import PendingUpdate, UpdateQueue, refusals_as_application_errors


class ReleaseUpdates:
    """A workflow into which people send controls; each returns when the record shows its effect."""

    requests: UpdateQueue

    def check(self, kind: Control, control: SteerRelease) -> None:
        """Raise the refusal of a control that makes no sense now."""
        raise NotImplementedError

    @workflow.update(name=Control.RESUME.value)
    async def resume(self, control: SteerRelease) -> None:
        """Let the clock of a paused stage go on."""
        await self.requests.ask(Control.RESUME, control)

    @resume.validator
    def check_resume(self, control: SteerRelease) -> None:
        """Refuse it where the release is not paused."""
        self._let_in(Control.RESUME, control)

    @workflow.update(name=Control.ADVANCE.value)
    async def advance(self, control: SteerRelease) -> None:
        """Cut a wait short."""
        await self.requests.ask(Control.ADVANCE, control)

    @advance.validator
    def check_advance(self, control: SteerRelease) -> None:
        """Refuse it where the release does not wait."""
        self._let_in(Control.ADVANCE, control)

    @workflow.update(name=Control.SKIP.value)
    async def skip(self, control: SteerRelease) -> None:
        """Pass over the stage, which does not act."""
        await self.requests.ask(Control.SKIP, control)

    @skip.validator
    def check_skip(self, control: SteerRelease) -> None:
        """Refuse it where the release has gone on."""
        self._let_in(Control.SKIP, control)

    @workflow.update(name=Control.RETRY.value)
    async def retry(self, control: RetryRelease) -> None:
        """Try a blocked stage again."""
        await self.requests.ask(Control.RETRY, control)

    @retry.validator
    def check_retry(self, control: RetryRelease) -> None:
        """Refuse it where the release is not blocked."""
        self._let_in(Control.RETRY, control)

    @workflow.update(name=Control.RESTART.value)
    async def restart(self, control: RestartRelease) -> None:
        """Go back to an earlier stage; nothing is undone."""
        await self.requests.ask(Control.RESTART, control)

    @restart.validator
    def check_restart(self, control: RestartRelease) -> None:
        """Refuse a stage that the release has not come through."""
        self._let_in(Control.RESTART, control)

    def _let_in(self, kind: Control, control: SteerRelease) -> None:
        """One that is settled already is answered as it was."""
        with refusals_as_application_errors():
            if not self.requests.knows_current():
                self.check(kind, control)


def step_of(release: ReleaseInput, place: ReleasePlace, request: PendingUpdate) -> Resumed | Advanced | Skipped | Restarted | Retried:
    """What a control writes into the record."""
    control = request.control
    who = {"by": control.by, "reason": control.reason}
    match request.kind:
        case Control.RESUME:
            return Resumed(**who, entered_at=place.entered_at, left=place.left)
        case Control.ADVANCE:
            return Advanced(**who)
        case Control.SKIP:
            return Skipped(**who, next=next_stage(release, place))
        case Control.RESTART:
            if not isinstance(control, RestartRelease):
                raise TypeError("a restart names its stage")
            index = stage_to_restart(release.stages, range(release.starting_stage, place.index + 1), control.stage)
            return Restarted(**who, stage=to_enter(release, index))
        case Control.RETRY:
            return Retried(**who, overwrite=isinstance(control, RetryRelease) and control.overwrite)
        case Control.PAUSE | Control.APPROVE | Control.REJECT | Control.ROLLBACK | Control.REMOVE:
            raise ValueError(f"{request.kind} is decided by the record, not by an update")
    assert_never(request.kind)


def place_steered(release: ReleaseInput, place: ReleasePlace, request: PendingUpdate, answer: Recorded) -> ReleasePlace | None:
    """Where the release stands once the control is recorded; nowhere, after its last stage."""
    step = step_of(release, place, request)
    match step:
        case Skipped(next=following):
            passed = place.moved(skipped=(*place.skipped, place.index))
            return place_in(following, passed, answer.at, answer.sequence) if following else None
        case Restarted(stage=stage):
            return place_in(stage, place, answer.at, answer.sequence)
        case Resumed() | Advanced() | Retried():
            place = place.moved(held=None)
            rollback = place.rollback and place.rollback.asked_again(request.control.by, answer.at)
            return place.moved(sequence=answer.sequence, blocked=None, paused=None, rollback=rollback, acts_at=answer.acts_at or answer.at)
