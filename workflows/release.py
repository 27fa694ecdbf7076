"""The story of one release, stage by stage."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

from activities.messages import (
    HeldBack,
    Made,
    Overtaken,
    Recorded,
    Refused,
    RemovedByTemporal,
    Standing,
    Step,
)
from domain.errors import ControlNotAllowed, Refusal
from domain.pipelines.pipeline import stage_to_restart
from domain.releases.control import ACTING, Control, check_allowed
from domain.releases.rollback import Rollback
from domain.releases.status import ReleaseStatus
from workflows.activity_calls import (
    ChangeResult,
    HoldResult,
    change_flag,
    end_hold,
    ends_by_cancelling,
    is_to_be_rolled_back,
    put_back,
    read_standing,
    record_progress,
)
from workflows.messages import (
    LOOK_AGAIN,
    RELEASE,
    ROLL_OVER,
    RecordedDecision,
    ReleaseInput,
    ReleasePlace,
    ReleaseResult,
    RestartRelease,
    SteerRelease,
)
from workflows.release_state import ReleaseState
from workflows.release_steps import (
    change_at,
    change_in_words,
    first_place,
    hold_ended_at,
    made_at,
    place_after_change,
    put_back_at,
    record_of,
    wait_in_words,
)
from workflows.release_updates import ReleaseUpdates, place_steered, step_of
from workflows.update_queue import PendingUpdate, UpdateQueue


@workflow.defn(name=RELEASE)
class ReleaseWorkflow(ReleaseUpdates, ReleaseState):
    """One flag on its way through one pipeline version."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        self.release = release
        self.place = release.place or first_place(release, workflow.info().workflow_start_time)
        self.ended: str | None = None
        self.acting = False
        self.must_look = False
        self.must_roll_over = False
        self.requests = UpdateQueue(settled=self.place.settled)
        self.must_try = self.place.held is not None  # What ended it may have been told to the run before.
        self.shown = False

    @workflow.run
    async def run(self, _release: ReleaseInput) -> ReleaseResult:
        """Climb until the last stage is done, or until there is nothing left to do."""
        try:
            await self._climb()
        except BaseException as error:
            if not ends_by_cancelling(error):
                raise
            await self._remove()
            await self._take_leave()
            raise
        await self._take_leave()
        return ReleaseResult(status=self.ended or "")

    async def _take_leave(self) -> None:
        self.requests.refuse_all(ControlNotAllowed("The release has ended.", status=self.ended))
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.signal(name=LOOK_AGAIN)
    def look_again(self, _decided: RecordedDecision | None = None) -> None:
        """Something was decided in the record: look at it. What, and by whom, is for those who read the history."""
        self.must_look = True

    @workflow.signal(name=ROLL_OVER)
    def roll_over(self) -> None:
        """Continue as new, so that a long history ends."""
        self.must_roll_over = True

    @workflow.query(name="place")
    def where(self) -> ReleasePlace:
        """Where the release stands, for those who look into a workflow."""
        return self.place

    async def _climb(self) -> None:
        while not self.ended:
            self._heed_cancellation()
            self.show()
            if self.must_look:
                await self._look()
            elif request := self.requests.next():
                await self._settle(request)
            elif self._may_roll_over():
                self._continue_as_new()
            elif self.place.blocked or self.place.paused:
                await workflow.wait_condition(self._is_woken)
            elif self.place.rollback:
                await self._put_back(self.place.rollback)
            elif not self.is_due or (self.place.held and not self.must_try):
                await self._wait()
            else:
                await self._act()
        self.show()

    async def _wait(self) -> None:
        """Until the stage is due, until what holds it back ends, or until somebody has decided something."""
        until = self.place.held.until if self.place.held else self.place.acts_at
        left = max(until - workflow.now(), timedelta(milliseconds=1)) if until else None
        try:
            await workflow.wait_condition(self._is_woken, timeout=left, timeout_summary=wait_in_words(self.release, self.place))
        except TimeoutError:
            self.must_try = True

    def _is_woken(self) -> bool:
        return self.must_look or self.must_roll_over or self.requests.any_waiting

    async def _act(self) -> None:
        self.acting, self.must_try = True, False
        try:
            answer = await self._end_hold() if self.stage.is_hold else await self._change_flag()
        finally:
            self.acting = False
        match answer:
            case Made(made_at=at, sequence=sequence) | Recorded(at=at, sequence=sequence):
                self._go_on(at, sequence)
            case HeldBack(held=held):
                self.move(held=held)
            case Refused(sequence=sequence, blocked=blocked):
                self.move(sequence=sequence, blocked=blocked, held=None)
            case Standing():
                await self._yield_to(answer)
            case None:
                pass  # Called off: the loop settles what called it off, and looks anew.

    async def _put_back(self, rollback: Rollback) -> None:
        """What came of it stands in the record."""
        self.acting = True
        try:
            answer = await put_back(put_back_at(self.release, self.place, rollback), rollback, lambda: self.must_look)
        finally:
            self.acting = False
        if answer:
            await self._yield_to(answer)

    async def _change_flag(self) -> ChangeResult | None:
        command = change_at(self.release, self.place, workflow.now())
        return await change_flag(command, change_in_words(self.release, self.place), self._is_called_off)

    def _is_called_off(self) -> bool:
        return self.must_look or self.requests.any_leaving(self.place.visit)

    async def _end_hold(self) -> HoldResult:
        now = workflow.now()
        command = record_of(self.release, self.place, hold_ended_at(self.release, self.place, now), now)
        return await end_hold(command, f"{self.stage.name}: hold ended")

    def _go_on(self, at: datetime, sequence: int) -> None:
        self.arrive(place_after_change(self.release, self.place, at, sequence))

    async def _look(self) -> None:
        """Whatever was decided without us stands in the record."""
        self.must_look = False
        standing = await read_standing(self.release.release)
        if standing.finished or standing.sequence != self.place.sequence:
            await self._yield_to(standing)
        elif self.place.held:
            self.must_try = True

    async def _yield_to(self, standing: Standing) -> None:
        """The record is right: what is finished, paused or rolled back there is so here, and what we did without hearing of it is done.

        Where it is ahead of us in another way a person has to look.
        """
        if standing.finished:
            self.ended = standing.status
            self.shown = False
        elif standing.paused or standing.is_rejected or is_to_be_rolled_back(standing):
            if standing.sequence > self.place.sequence + 1:  # By more than that decision: see below.
                self.requests.refuse_all(_gone_on(standing))
            self.take_over(standing)
        elif not self._knows_as_its_own(standing):
            self.take_over(standing)
            self.requests.refuse_all(_gone_on(standing))  # They were asked of another place, some of them maybe before a reset.
            await self._block_overtaken()

    def _knows_as_its_own(self, standing: Standing) -> bool:
        """Take over the outcome of an attempt at this stage's change, or of a workflow task, that could not tell of it."""
        now = workflow.now()
        command = change_at(self.release, self.place, now)
        if standing.write_key == command.key and (at := made_at(command, standing, now)):
            self._go_on(at, standing.sequence)
            self._be_held_by(standing)
            return True
        if standing.write_key == command.refusal_key and standing.blocked:
            self.move(sequence=standing.sequence, blocked=standing.blocked)
            return True
        if standing.is_own_step and (standing.sequence == self.place.sequence + 1 or not _was_reset()):
            self.go_on_with(standing)
            self._be_held_by(standing)
            return True
        return False

    def _be_held_by(self, standing: Standing) -> None:
        """What holds it by the record holds it here, so that nobody can advance it; whether that has ended is tried."""
        if standing.held:
            self.move(held=standing.held)
            self.must_try = True

    async def _block_overtaken(self) -> None:
        answer = await self._record(Overtaken())
        if isinstance(answer, Recorded):
            self.move(sequence=answer.sequence, blocked=answer.blocked)
        elif answer.finished:
            self.ended = answer.status
        else:
            self.must_look = True

    def check(self, kind: Control, control: SteerRelease) -> None:
        """Raise the refusal of a control that makes no sense now."""
        if self.acting and (self.place.rollback or control.expected.is_ahead_of(self.place.visit)):
            return  # The record may show the outcome already. The loop looks again before it settles a control.
        check_allowed(kind, ACTING if self.acting else self.status)
        control.expected.check(self.stage.name, self.place.visit)
        if kind is Control.ADVANCE and self.place.held:
            message = f"The wait of '{self.stage.name}' is over, and a gate can't be cut short. {self.place.held.message}"
            raise ControlNotAllowed(message, status=self.status, waiting_for=self.place.held.code)
        if isinstance(control, RestartRelease):
            stage_to_restart(self.release.stages, range(self.release.starting_stage, self.place.index + 1), control.stage)

    async def _settle(self, request: PendingUpdate) -> None:
        try:
            self.check(request.kind, request.control)  # Another control may have been settled since this one was let in.
            answer = await self._record(step_of(self.release, self.place, request))
        except Refusal as refusal:
            request.refuse(refusal)
            return
        if isinstance(answer, Standing):
            request.refuse(_gone_on(answer))
            await self._yield_to(answer)
            return
        self.arrive(place_steered(self.release, self.place, request, answer))
        request.settle()

    async def _remove(self) -> None:
        """A cancel at Temporal means remove; what was done stays, and the record says who did it."""
        while not self.ended:
            answer = await self._record(RemovedByTemporal(reason=workflow.cancellation_reason() or None))
            if isinstance(answer, Recorded):
                self.ended = ReleaseStatus.REMOVED
            elif answer.finished:
                self.ended = answer.status
            else:
                self.take_over(answer)
        self.shown = False
        self.show()

    async def _record(self, step: Step) -> Recorded | Standing:
        command = record_of(self.release, self.place, step, workflow.now())
        summary = f"{self.stage.name}: {step.kind.replace('_', ' ')}"
        return await record_progress(command, summary)

    def _heed_cancellation(self) -> None:
        """An activity that ends normally swallows a cancel that came meanwhile."""
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError

    def _may_roll_over(self) -> bool:
        wanted = self.must_roll_over or workflow.info().is_continue_as_new_suggested()
        return wanted and workflow.all_handlers_finished()

    def _continue_as_new(self) -> None:
        place = self.place.moved(settled=self.requests.settled)
        workflow.continue_as_new(self.release.model_copy(update={"place": place}))


def _was_reset() -> bool:
    info = workflow.info()
    return info.run_id != info.original_execution_run_id


def _gone_on(standing: Standing) -> ControlNotAllowed:
    return ControlNotAllowed("The release has gone on meanwhile: look at it again.", status=standing.status)
