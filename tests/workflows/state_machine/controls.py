"""What people do with a release: each control, at its time and out of it."""

import asyncio
from typing import Any, NamedTuple

from hypothesis import strategies as st

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from domain.access import Person
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import Scenario, refusal_of
from tests.workflows.state_machine.strategies import seldom
from workflows.messages import RestartRelease, RetryRelease, SteerRelease
from workflows.service.reconciler import Reconciler

_MESSAGES = {Control.RETRY: RetryRelease, Control.RESTART: RestartRelease}


class Asked(NamedTuple):
    """A control as it was sent."""

    release: Release
    control: Control
    message: SteerRelease
    update_id: str


class Controls(Scenario):
    """Pause, resume, advance, skip, retry, restart, remove; cancel and terminate at Temporal."""

    last: Asked | None = None

    @rule(anyhow=seldom, stale=seldom)
    def pause(self, anyhow: bool, stale: bool) -> None:
        self.prepare(Control.PAUSE, anyhow)
        if self.stop(Control.PAUSE, stale=stale):
            self.model.pause()

    @rule(anyhow=seldom, stale=seldom)
    def resume(self, anyhow: bool, stale: bool) -> None:
        self.prepare(Control.RESUME, anyhow)
        if self.steer(Control.RESUME, stale=stale):
            self.model.resume()

    @rule(anyhow=seldom, stale=seldom)
    def advance(self, anyhow: bool, stale: bool) -> None:
        self.prepare(Control.ADVANCE, anyhow)
        if self.steer(Control.ADVANCE, stale=stale):
            self.model.advance()

    @rule(anyhow=seldom, stale=seldom)
    def skip(self, anyhow: bool, stale: bool) -> None:
        self.prepare(Control.SKIP, anyhow)
        if self.steer(Control.SKIP, stale=stale):
            self.model.skip()

    @rule(anyhow=seldom, stale=seldom, overwrite=st.booleans())
    def retry(self, anyhow: bool, stale: bool, overwrite: bool) -> None:
        self.prepare(Control.RETRY, anyhow)
        if self.steer(Control.RETRY, stale=stale, overwrite=overwrite):
            self.model.retry(overwrite=overwrite)

    @rule(anyhow=seldom, stale=seldom, to=strategies.numbers)
    def restart(self, anyhow: bool, stale: bool, to: int) -> None:
        self.prepare(Control.RESTART, anyhow)
        to = to % 5 if anyhow else self.model.start + to % (self.model.index + 1 - self.model.start)
        if self.steer(Control.RESTART, stale=stale, to=to):
            self.model.restart(to)

    @rule(how=st.sampled_from(("remove", "cancel", "terminate")))
    def end(self, how: str) -> None:
        if how == "remove":
            if self.stop(Control.REMOVE):
                self.model.end("removed")
            return
        self.ready()
        if not self.model.is_finished:
            self.ground.run(self._cancel() if how == "cancel" else self._terminate())
            self.model.end("removed" if how == "cancel" else "terminated")

    @rule(times=st.integers(1, 2))
    def the_last_control_is_sent_again(self, times: int) -> None:
        self.ready()
        for _ in range(times if self.last else 0):
            assert self.last
            too_late = self.last.release.id != self.release.id or self.model.is_finished
            outcome = self.ground.run(refusal_of(self.send(self.last)))
            assert outcome is None or (too_late and outcome == "ControlNotAllowed"), outcome

    def prepare(self, control: Control, anyhow: bool) -> None:
        """Bring the release, most of the time, to where the control makes sense."""
        if anyhow:
            return
        self.under_way()
        match self.model.status, control:
            case "running", Control.RESUME:
                self.pause(anyhow=True, stale=False)
            case "running", Control.RETRY:
                self.change_by_hand(self.model.rung.environment, strategies.IN_THE_WAY)
                self.advance(anyhow=True, stale=False)
            case "paused", Control.PAUSE | Control.ADVANCE | Control.RETRY:
                self.resume(anyhow=True, stale=False)
            case "blocked", Control.PAUSE | Control.ADVANCE | Control.RESUME:
                self.retry(anyhow=True, stale=False, overwrite=True)
            case _:
                pass  # The control makes sense here, or never will.
        self.settle()

    def steer(self, control: Control, *, stale: bool = False, to: int = 0, **more: Any) -> bool:
        """Send a control into the workflow; whether it was taken. It must be refused exactly where the model says so."""
        self.ready()
        verdict = self.model.verdict(control.value, stale=stale, to=to)
        asked = self.asked(control, stale=stale, to=to, **more)
        outcome = self.ground.run(refusal_of(self.send(asked)))
        assert outcome == verdict, f"{control} was answered by {outcome}, expected {verdict}\n{self.told()}"
        self.last = asked if outcome is None else self.last
        return outcome is None

    def stop(self, control: Control, *, stale: bool = False) -> bool:
        """Pause or remove by the record, whoever works; whether it was taken."""
        verdict = self.model.verdict(control.value, stale=stale)
        outcome = self.ground.run(refusal_of(self.stopped(control, stale=stale)))
        assert outcome == verdict, f"{control} was answered by {outcome}, expected {verdict}\n{self.told()}"
        self.heard = True
        return outcome is None

    def asked(self, control: Control, *, stale: bool = False, to: int = 0, **more: Any) -> Asked:
        """A control as a person sends it who saw the release where it stands, or where it stood before."""
        caller = self.stand.world.caller
        person = Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)
        about = more | ({"stage": strategies.name_of(to)} if control is Control.RESTART else {})
        message = _MESSAGES.get(control, SteerRelease).model_validate({"by": person, "expected": self.expected(stale), **about})
        return Asked(self.release, control, message, f"{control}/{self.ground.next_number()}")

    async def send(self, asked: Asked) -> None:
        """Send a control, for the first time or again."""
        await self.stand.releases.steer(asked.release, asked.control, asked.message, asked.update_id)

    async def stopped(self, control: Control, *, stale: bool = False) -> None:
        """Stop a release as the API does."""
        wanted, at = EndOrPauseRelease(release=self.release.id, expected=self.expected(stale)), await self.moment()
        stopping = pause_release if control is Control.PAUSE else remove_release

        def in_one_transaction() -> None:
            with self.ground.database.transaction() as store:
                stopping(store, self.stand.world.caller, self.stand.world.project, wanted, at)

        await asyncio.to_thread(in_one_transaction)

    def expected(self, stale: bool) -> Expected:
        """Where a person saw the release who looks now, or who has not looked since it came there."""
        return Expected(visit=self.model.visit - stale)

    async def _cancel(self) -> None:
        await self.stand.handle(self.release).cancel()

    async def _terminate(self) -> None:
        await self.stand.handle(self.release).terminate("by a person")
        reconciler = Reconciler(self.ground.database, self.stand.releases)
        while not self.stand.record(self.release).is_finished:
            await reconciler.reconcile()
