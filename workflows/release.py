"""The story of one release, stage by stage."""

import asyncio
from contextlib import suppress
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from activities.messages import (
    Made,
    Overtaken,
    Recorded,
    Refused,
    RemovedByTemporal,
    Retried,
    Standing,
    Step,
)
from domain.errors import ControlNotAllowed, Refusal
from domain.pipeline import Stage
from domain.release import ACTING, Control, ReleaseStatus, check_allowed
from domain.trigger import trigger_in_words
from workflows.calls import change_flag, read_standing, record_progress
from workflows.climbing import change_at, first_place, hold_ended_at, place_after, record_of, stage_at
from workflows.controls import Request, Requests, refusals_crossing
from workflows.ladder import ladder_of
from workflows.messages import LOOK_AGAIN, RELEASE, RETRY, ROLL_OVER, Place, ReleaseInput, ReleaseResult, RetryRelease, spoken
from workflows.search import attributes_at


@workflow.defn(name=RELEASE)
class ReleaseWorkflow:
    """One flag on its way through one pipeline version."""

    @workflow.init
    def __init__(self, release: ReleaseInput) -> None:
        self.release = release
        self.place = release.place or first_place(release, workflow.info().workflow_start_time)
        self.ended: str | None = None
        self.acting = False
        self.must_look = False
        self.must_roll_over = False
        self.requests = Requests(settled=self.place.settled)
        self.shown = False

    @workflow.run
    async def run(self, _release: ReleaseInput) -> ReleaseResult:
        """Climb until the last stage is done, or until there is nothing left to do."""
        try:
            await self._climb()
        except BaseException as error:
            if not is_cancelled_exception(error) or workflow.cancellation_reason() is None:
                raise
            await self._remove()
            await self._take_leave()
            raise
        await self._take_leave()
        return ReleaseResult(status=self.ended or "")

    async def _take_leave(self) -> None:
        self.requests.refuse_all(ControlNotAllowed("The release has ended.", status=self.ended))
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name=RETRY)
    async def retry(self, control: RetryRelease) -> None:
        """Try a blocked stage again; returns when the record shows it."""
        await self.requests.ask(control)

    @retry.validator
    def check_retry(self, control: RetryRelease) -> None:
        """Refuse a retry that makes no sense now; one that is settled already is answered as it was."""
        with refusals_crossing():
            if not self.requests.knows_current():
                self._check(control)

    @workflow.signal(name=LOOK_AGAIN)
    def look_again(self) -> None:
        """Something was decided in the record: look at it."""
        self.must_look = True

    @workflow.signal(name=ROLL_OVER)
    def roll_over(self) -> None:
        """Continue as new, so that a long history ends."""
        self.must_roll_over = True

    @workflow.query(name="place")
    def where(self) -> Place:
        """Where the release stands, for those who look into a workflow."""
        return self.place

    @property
    def stage(self) -> Stage:
        """The stage where the release stands."""
        return stage_at(self.release, self.place)

    @property
    def status(self) -> str:
        """The column of the table of controls that applies now."""
        if self.ended:
            return self.ended
        if self.place.blocked:
            return ReleaseStatus.BLOCKED
        return ACTING if self.acting else ReleaseStatus.RUNNING

    @property
    def is_due(self) -> bool:
        """Whether the stage's trigger has fired."""
        return self.place.acts_at <= workflow.now()

    async def _climb(self) -> None:
        while not self.ended:
            self._heed_cancellation()
            self._show()
            if self.must_look:
                await self._look()
            elif request := self.requests.next():
                await self._settle(request)
            elif self._may_roll_over():
                self._continue_as_new()
            elif self.place.blocked:
                await workflow.wait_condition(self._is_woken)
            elif not self.is_due:
                await self._wait()
            else:
                await self._act()
        self._show()

    async def _wait(self) -> None:
        summary = f"{self.stage.name}: acts {trigger_in_words(self.stage.trigger)}, at {spoken(self.place.acts_at)}"
        with suppress(TimeoutError):
            await workflow.wait_condition(self._is_woken, timeout=self.place.acts_at - workflow.now(), timeout_summary=summary)

    def _is_woken(self) -> bool:
        return self.must_look or self.must_roll_over or self.requests.any_waiting

    async def _act(self) -> None:
        self.acting = True
        try:
            answer = await self._end_hold() if self.stage.is_hold else await self._change_flag()
        finally:
            self.acting = False
        match answer:
            case Made(made_at=at, sequence=sequence) | Recorded(at=at, sequence=sequence):
                self._go_on(at, sequence)
            case Refused(sequence=sequence, blocked=blocked):
                self._move(sequence=sequence, blocked=blocked)
            case Standing():
                await self._yield_to(answer)

    async def _change_flag(self) -> Made | Refused | Standing:
        return await change_flag(change_at(self.release, self.place), self.stage.in_words()[:200])

    async def _end_hold(self) -> Recorded | Standing:
        return await self._record(hold_ended_at(self.release, self.place))

    def _go_on(self, at: datetime, sequence: int) -> None:
        after = place_after(self.release, self.place, at, sequence)
        if after is None:
            self.ended = ReleaseStatus.COMPLETED
        self.place = after or self.place.moved(sequence=sequence)
        self.shown = False

    def _move(self, **changes: object) -> None:
        self.place = self.place.moved(**changes)
        self.shown = False

    async def _look(self) -> None:
        """Whatever was decided without us stands in the record."""
        self.must_look = False
        standing = await read_standing(self.release.release)
        if standing.finished or standing.sequence != self.place.sequence:
            await self._yield_to(standing)

    async def _yield_to(self, standing: Standing) -> None:
        """The record is right: where it is finished so are we, and where it is ahead a person has to look."""
        if standing.finished:
            self.ended = standing.status
            self.shown = False
            return
        self._take_over(standing)
        answer = await self._record(Overtaken())
        if isinstance(answer, Recorded):
            self._move(sequence=answer.sequence, blocked=answer.blocked)
        elif answer.finished:
            self.ended = answer.status
        else:
            self.must_look = True

    def _check(self, control: RetryRelease) -> None:
        check_allowed(Control.RETRY, self.status)
        control.expected.check(self.stage.name, self.place.visit)

    def _take_over(self, standing: Standing) -> None:
        entered_at = standing.entered_at or self.place.entered_at
        self._move(index=standing.stage_index, visit=standing.visit, sequence=standing.sequence, entered_at=entered_at)

    async def _settle(self, request: Request) -> None:
        control = request.control
        try:
            self._check(control)  # Another control may have been settled since this one was let in.
        except Refusal as refusal:
            request.refuse(refusal)
            return
        answer = await self._record(Retried(by=control.by, overwrite=control.overwrite, reason=control.reason))
        if isinstance(answer, Standing):
            request.refuse(ControlNotAllowed("The release has gone on meanwhile: look at it again.", status=answer.status))
            await self._yield_to(answer)
            return
        self._move(sequence=answer.sequence, blocked=None, acts_at=answer.at)
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
                self._take_over(answer)
        self.shown = False
        self._show()

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

    def _show(self) -> None:
        """Let the Temporal Web UI tell where the release stands; people search for it where it rests, not where it passes through."""
        if self.shown:
            return
        status = ReleaseStatus.RUNNING if self.status == ACTING else self.status
        workflow.set_current_details(ladder_of(self.release, self.place, status))
        rests = self.ended is not None or self.place.blocked is not None
        if rests or not self.is_due:
            self.shown = True
            next_at = None if rests else self.place.acts_at
            workflow.upsert_search_attributes(attributes_at(self.stage.name, self.stage.environment, status, next_at))
