"""Rules for the controls of a release, sent when they are allowed and when they are not."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from domain.access import Person
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.workflows.reconciling import reconcile_until_finished
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import Scenario, refusal_of
from tests.workflows.state_machine.stage_model import ALLOWED
from tests.workflows.state_machine.strategies import rarely
from workflows.messages import RestartRelease, RetryRelease, SteerRelease

_MESSAGES = {Control.RETRY: RetryRelease, Control.RESTART: RestartRelease}


class Sent(NamedTuple):
    """A control that was sent."""

    release: Release
    control: Control
    message: SteerRelease
    update_id: str


class Controls(Scenario):
    """Pause, resume, advance, skip, retry, restart and remove, and cancel and terminate at Temporal.

    A rule prepares the release so that the control is allowed, unless it draws `unprepared`. With `stale` it names an earlier visit.
    """

    last: Sent | None = None

    @rule(unprepared=rarely, stale=rarely)
    def pause(self, unprepared: bool, stale: bool) -> None:
        self.prepare(Control.PAUSE, unprepared)
        if self.stop(Control.PAUSE, stale=stale):
            self.model.pause()

    @rule(unprepared=rarely, stale=rarely)
    def resume(self, unprepared: bool, stale: bool) -> None:
        self.prepare(Control.RESUME, unprepared)
        if self.send(Control.RESUME, stale=stale):
            self.model.resume()

    @rule(unprepared=rarely, stale=rarely)
    def advance(self, unprepared: bool, stale: bool) -> None:
        self.prepare(Control.ADVANCE, unprepared)
        if self.send(Control.ADVANCE, stale=stale):
            self.model.advance()

    @rule(unprepared=rarely, stale=rarely)
    def skip(self, unprepared: bool, stale: bool) -> None:
        self.prepare(Control.SKIP, unprepared)
        if self.send(Control.SKIP, stale=stale):
            self.model.skip()

    @rule(unprepared=rarely, stale=rarely, overwrite=st.booleans())
    def retry(self, unprepared: bool, stale: bool, overwrite: bool) -> None:
        self.prepare(Control.RETRY, unprepared)
        if self.send(Control.RETRY, stale=stale, overwrite=overwrite):
            self.model.retry(overwrite=overwrite)

    @rule(unprepared=rarely, stale=rarely, to=strategies.numbers)
    def restart(self, unprepared: bool, stale: bool, to: int) -> None:
        self.prepare(Control.RESTART, unprepared)
        to = to % 5 if unprepared else self.model.start + to % (self.model.index + 1 - self.model.start)
        if self.send(Control.RESTART, stale=stale, to=to):
            self.model.restart(to)

    @rule(how=st.sampled_from(("remove", "cancel", "terminate")))
    def end(self, how: str) -> None:
        if how == "remove":
            if self.stop(Control.REMOVE):
                self.model.end("removed")
            return
        self.ensure_worker()
        if not self.model.is_finished:
            self.backend.run(self._cancel() if how == "cancel" else self._terminate())
            self.model.end("removed" if how == "cancel" else "terminated")

    @rule(times=st.integers(1, 2))
    def repeat_last_control(self, times: int) -> None:
        self.ensure_worker()
        for _ in range(times if self.last else 0):
            assert self.last
            too_late = self.last.release.id != self.release.id or self.model.is_finished
            outcome = self.backend.run(refusal_of(self.deliver(self.last)))
            assert outcome is None or (too_late and outcome == "ControlNotAllowed"), outcome

    def prepare(self, control: Control, unprepared: bool) -> None:
        """Bring the release to where the control is allowed."""
        if unprepared:
            return
        self.ensure_unfinished()
        match self.model.status, control:
            case "running", Control.RESUME:
                self.pause(unprepared=True, stale=False)
            case "running", Control.RETRY:
                self.change_by_hand(self.model.stage.environment, strategies.CONFLICTING)
                self.advance(unprepared=True, stale=False)
            case "paused", Control.PAUSE | Control.ADVANCE | Control.RETRY:
                self.resume(unprepared=True, stale=False)
            case "blocked", Control.PAUSE | Control.ADVANCE | Control.RESUME:
                self.retry(unprepared=True, stale=False, overwrite=True)
            case _:
                pass  # The control is allowed in this state, or never will be.
        self.settle()

    def ensure_stage(self, unprepared: bool, is_wanted: Callable[[], bool]) -> None:
        """Bring the release to a stage that is wanted, or nearer to it, unless unprepared."""
        if unprepared:
            return
        self.ensure_unfinished()
        self.settle()
        if self.model.status == "blocked":
            self.retry(unprepared=True, stale=False, overwrite=True)
            self.settle()
        while self.model.status in ALLOWED["skip"] and not is_wanted():
            self.skip(unprepared=True, stale=False)
            self.settle()

    def send(self, control: Control, *, stale: bool = False, to: int = 0, **fields: Any) -> bool:
        """Send a control to the workflow. Returns True if it was accepted, which must agree with the model."""
        self.ensure_worker()
        verdict = self.model.verdict(control.value, stale=stale, to=to)
        sent = self.message_for(control, stale=stale, to=to, **fields)
        outcome = self.backend.run(refusal_of(self.deliver(sent)))
        assert outcome == verdict, f"{control} was answered by {outcome}, expected {verdict}\n{self.audit_text()}"
        self.last = sent if outcome is None else self.last
        return outcome is None

    def stop(self, control: Control, *, stale: bool = False) -> bool:
        """Pause or remove by the record, with or without a worker. Returns True if it was accepted, which must agree with the model."""
        verdict = self.model.verdict(control.value, stale=stale)
        outcome = self.backend.run(refusal_of(self.stop_in_record(control, stale=stale)))
        assert outcome == verdict, f"{control} was answered by {outcome}, expected {verdict}\n{self.audit_text()}"
        self.is_settling = True
        return outcome is None

    def message_for(self, control: Control, *, stale: bool = False, to: int = 0, **fields: Any) -> Sent:
        """Return a control as sent by a person who saw the release on its current visit, or on the one before."""
        caller = self.harness.world.caller
        person = Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)
        fields |= {"stage": strategies.name_of(to)} if control is Control.RESTART else {}
        message = _MESSAGES.get(control, SteerRelease).model_validate({"by": person, "expected": self.expected(stale), **fields})
        return Sent(self.release, control, message, f"{control}/{self.backend.next_number()}")

    async def deliver(self, sent: Sent) -> None:
        """Send a control, for the first time or again."""
        await self.harness.releases.send_control(sent.release, sent.control, sent.message, sent.update_id)

    async def stop_in_record(self, control: Control, *, stale: bool = False) -> None:
        """Pause or remove a release as the API does."""
        request, at = EndOrPauseRelease(release=self.release.id, expected=self.expected(stale)), await self.current_time()
        command = pause_release if control is Control.PAUSE else remove_release

        def in_one_transaction() -> None:
            with self.backend.database.transaction() as store:
                command(store, self.harness.world.caller, self.harness.world.project, request, at)

        await asyncio.to_thread(in_one_transaction)

    def expected(self, stale: bool) -> Expected:
        """Return the expectation of a person who sees the current visit, or who saw the one before."""
        return Expected(visit=self.model.visit - stale)

    async def _cancel(self) -> None:
        await self.harness.handle(self.release).cancel()

    async def _terminate(self) -> None:
        await self.harness.handle(self.release).terminate("by a person")
        await reconcile_until_finished(self.harness, self.release)
