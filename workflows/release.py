"""The workflow of one release, stage by stage."""

from datetime import timedelta

from temporalio import workflow

from activities.messages import HeldBack, Made, Overtaken, Recorded, Refused, RemovedByTemporal, Standing, Step
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
    has_pending_rollback,
    is_workflow_cancellation,
    put_back,
    raise_if_cancelled,
    read_standing,
    record_progress,
)
from workflows.messages import (
    CHANGES_LOCALLY,
    LOOK_AGAIN,
    RELEASE,
    ROLL_OVER,
    STARTED_BY,
    RecordedDecision,
    ReleaseInput,
    ReleasePlace,
    ReleaseResult,
    RestartRelease,
    SteerRelease,
)
from workflows.release_state import ReleaseState
from workflows.release_steps import change_command, change_time, hold_ended, initial_place, progress_command, rollback_command
from workflows.release_updates import ReleaseUpdates, moved_on, place_after_update, step_of
from workflows.stage_watch import StageWatch
from workflows.update_queue import PendingUpdate, UpdateQueue
from workflows.web_ui import change_summary, cut, release_memo, stage_plans, wait_summary


@workflow.defn(name=RELEASE)
class ReleaseWorkflow(ReleaseUpdates, ReleaseState):
    """Moves one flag through one pipeline version."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        self.release = release
        is_newest = workflow.patched(CHANGES_LOCALLY)
        self.changes_locally = is_newest and not release.elsewhere
        self.is_current = is_newest or workflow.patched(STARTED_BY)
        self.place = release.place or initial_place(release, workflow.info().workflow_start_time)
        self.ended: str | None = None
        self.acting = False
        self.must_read_record = self.must_continue_as_new = False
        self.was_steered = False  # Then the change is an ordinary activity: the answer to a control must not wait for it.
        self.updates = UpdateQueue(self.place.settled)
        # The signal that lifted the hold may have gone to the previous run, so check the gates again.
        self.must_check_gates = self.place.held is not None
        self.is_published = False
        self.plans = stage_plans(release)
        self.watch = StageWatch()

    @workflow.run
    async def run(self, _release: ReleaseInput) -> ReleaseResult:
        """Carry out the stages until the release has ended."""
        try:
            await self._run_stages()
        except BaseException as error:
            if not is_workflow_cancellation(error):
                raise
            await self._remove()
            await self._finish_updates()
            raise
        await self._finish_updates()
        return ReleaseResult(status=self.ended or "")

    async def _finish_updates(self) -> None:
        self.updates.fail_all(ControlNotAllowed("The release has ended.", status=self.ended))
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.signal(name=LOOK_AGAIN)
    def look_again(self, _decided: RecordedDecision | None = None) -> None:
        """Read the record again, because a decision was written to it. The argument only documents that decision in the history."""
        self.must_read_record = True

    @workflow.signal(name=ROLL_OVER)
    def roll_over(self) -> None:
        """Continue as new, to start a fresh history."""
        self.must_continue_as_new = True

    @workflow.query(name="place")
    def current_place(self) -> ReleasePlace:
        """Return the current place of the release."""
        return self.place

    async def _run_stages(self) -> None:
        while not self.ended:
            raise_if_cancelled()
            self.watch.follow(self.watched)
            self.publish()
            if self.must_read_record:
                await self._read_record()
            elif update := self.updates.next():
                await self._handle_update(update)
            elif self._should_continue_as_new():
                self._continue_as_new()
            elif self.place.blocked or self.place.paused:
                await workflow.wait_condition(self._is_woken)
            elif self.place.rollback:
                await self._roll_back(self.place.rollback)
            elif not self.is_due or (self.place.held and not self.must_check_gates):
                await self._wait()
            else:
                await self._act()
        self.publish()

    async def _wait(self) -> None:
        """Wait until the stage is due, until the known end of what holds it back, or until a signal or update arrives."""
        until = self.place.held.until if self.place.held else self.place.acts_at
        timeout = max(until - self.now, timedelta(milliseconds=1)) if until else None
        try:
            await workflow.wait_condition(self._is_woken, timeout=timeout, timeout_summary=wait_summary(self.release, self.place))
        except TimeoutError:
            self.must_check_gates = True

    def _is_woken(self) -> bool:
        return self.must_read_record or self.must_continue_as_new or self.updates.has_pending

    async def _act(self) -> None:
        self.acting, self.must_check_gates = True, False
        try:
            answer = await self._end_hold() if self.stage.is_hold else await self._change_flag()
        finally:
            self.acting = False
        match answer:
            case Made(made_at=at, sequence=sequence, ends_ramp=ends_ramp):
                self.enter_next(at, sequence, ends_ramp=ends_ramp)
            case Recorded(at=at, sequence=sequence):
                self.enter_next(at, sequence)
            case HeldBack(held=held):
                self.update_place(held=held)
            case Refused(sequence=sequence, blocked=blocked):
                self.update_place(sequence=sequence, blocked=blocked, held=None)
            case Standing():
                await self._follow_record(answer)
            case None:
                pass  # The attempt was cancelled. The loop handles whatever cancelled it, and continues from there.

    async def _roll_back(self, rollback: Rollback) -> None:
        """Carry out a rollback; the record has its result."""
        self.acting = True
        try:
            command = rollback_command(self.release, self.place, rollback)
            answer = await put_back(command, rollback, lambda: self.must_read_record, is_current=self.is_current)
        finally:
            self.acting = False
        if answer:
            await self._follow_record(answer)

    async def _change_flag(self) -> ChangeResult | None:
        command = change_command(self.release, self.place, self.now)
        summary = change_summary(self.release, self.place)
        locally, self.was_steered = self.changes_locally and not self.was_steered and self.watched is None, False
        at = self.now if locally else None
        return await change_flag(command, summary, self._should_cancel_attempt, locally_at=at, is_current=self.is_current)

    def _should_cancel_attempt(self) -> bool:
        return self.must_read_record or self.updates.has_leaving(self.place.visit, self.place.step)

    async def _end_hold(self) -> HoldResult:
        now = self.now
        command = progress_command(self.release, self.place, hold_ended(self.release, self.place, now), now)
        return await end_hold(command, cut(f"{self.stage.name}: hold ended"), locally=self.watched is None)

    async def _read_record(self) -> None:
        """Follow decisions that were written to the record without this workflow."""
        self.must_read_record = False
        standing = await read_standing(self.release.release)
        if standing.finished or standing.sequence != self.place.sequence:
            await self._follow_record(standing)
        elif self.place.held:
            self.must_check_gates = True

    async def _follow_record(self, standing: Standing) -> None:
        """Follow the record: end, pause or roll back if it says so, and resume after steps whose result never reached this workflow.

        If the record is ahead in any other way, block the release until a person has looked.
        """
        if standing.was_reset:  # Temporal applies again what was sent before: for earlier places, or refused there.
            self.updates.fail_all(moved_on(standing))
        if standing.finished:
            self.ended = standing.status
            self.is_published = False
        elif standing.paused or standing.is_rejected or has_pending_rollback(standing, is_current=self.is_current):
            if standing.sequence > self.place.sequence + 1:  # More than this one decision was written: refuse as below.
                self.updates.fail_all(moved_on(standing))
            self.sync_with_record(standing)
        elif not self._resume_own_step(standing):
            self.sync_with_record(standing)
            self.updates.fail_all(moved_on(standing))  # They were sent for another place, some of them maybe before a reset.
            await self._block_as_superseded()

    def _resume_own_step(self, standing: Standing) -> bool:
        """Resume if the record was last written by this stage's change or by a step of this workflow whose result was lost."""
        now = workflow.now()
        command = change_command(self.release, self.place, now)
        if standing.write_key == command.key and (at := change_time(command, standing, now)):
            self.enter_next(at, standing.sequence, ends_ramp=standing.visit != command.visit)
            self._adopt_hold(standing)
            return True
        if standing.write_key == command.refusal_key and standing.blocked:
            self.update_place(sequence=standing.sequence, blocked=standing.blocked)
            return True
        is_own = standing.is_own_step or standing.write_key.startswith(f"{command.release}/")  # the key of a change or of its refusal
        if is_own and (standing.sequence == self.place.sequence + 1 or not standing.was_reset):
            self.resume_from_record(standing)
            self._adopt_hold(standing)
            return True
        return False

    def _adopt_hold(self, standing: Standing) -> None:
        """Adopt from the record what holds the stage back, so that it can't be advanced. Then check whether that has ended."""
        if standing.held:
            self.update_place(held=standing.held)
            self.must_check_gates = True

    async def _block_as_superseded(self) -> None:
        answer = await self._record(Overtaken())
        if isinstance(answer, Recorded):
            self.update_place(sequence=answer.sequence, blocked=answer.blocked)
        elif answer.finished:
            self.ended = answer.status
        else:
            self.must_read_record = True

    def check(self, kind: Control, control: SteerRelease) -> None:
        """Raise the refusal of a control that is not allowed now."""
        if self.acting and (self.place.rollback or control.expected.is_ahead_of(self.place.visit, self.place.step)):
            return  # The record may show the result already. The loop checks again before it handles a control.
        check_allowed(kind, ACTING if self.acting else self.status)
        control.expected.check(self.stage.name, self.place.visit, self.place.step)
        if kind is Control.ADVANCE and self.place.held:
            message = f"'{self.stage.name}' is already due, and advancing does not bypass a gate. {self.place.held.message}"
            raise ControlNotAllowed(message, status=self.status, waiting_for=self.place.held.code)
        if isinstance(control, RestartRelease):
            stage_to_restart(self.release.stages, range(self.release.starting_stage, self.place.index + 1), control.stage)

    async def _handle_update(self, update: PendingUpdate) -> None:
        try:
            self.check(update.kind, update.control)  # Another control may have been handled since this one was accepted.
            answer = await self._record(step_of(self.release, self.place, update))
        except Refusal as refusal:
            update.fail(refusal)
            return
        if isinstance(answer, Standing):
            update.fail(moved_on(answer))
            await self._follow_record(answer)
            return
        self.place, self.was_steered = self.place.updated(responsible=update.control.by.owner), True
        if update.kind is Control.SKIP:
            self.note_passed_stage("skipped", answer.at)
        self.enter(place_after_update(self.release, self.place, update, answer))
        update.complete()

    async def _remove(self) -> None:
        """Record a cancel at Temporal as a removal. Changes that were made stay."""
        while not self.ended:
            answer = await self._record(RemovedByTemporal(reason=workflow.cancellation_reason() or None))
            if isinstance(answer, Recorded):
                self.ended = ReleaseStatus.REMOVED
            elif answer.finished:
                self.ended = answer.status
            else:
                self.sync_with_record(answer)
        self.is_published = False
        self.publish()

    async def _record(self, step: Step) -> Recorded | Standing:
        command = progress_command(self.release, self.place, step, self.now)
        summary = cut(f"{self.stage.name}: {step.kind.replace('_', ' ')}")
        return await record_progress(command, summary)

    def _should_continue_as_new(self) -> bool:
        requested = self.must_continue_as_new or workflow.info().is_continue_as_new_suggested()
        return requested and workflow.all_handlers_finished()

    def _continue_as_new(self) -> None:
        place = self.place.updated(settled=self.updates.completed_ids)
        workflow.continue_as_new(self.release.model_copy(update={"place": place}), memo=release_memo(self.release))
