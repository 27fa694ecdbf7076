"""What else happens: time, people who change flags by hand, workers that die, attempts that are made twice."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import strategies as st
from temporalio.service import RPCError

from activities.messages import Made, Recorded, Refused, Standing
from domain.errors import AlreadyReleasing
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.attempts import Failing
from tests.workflows.state_machine.flag_model import Deed
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import MINUTE, Scenario


class Troubles(Scenario):
    """Everything that comes from elsewhere."""

    @rule(minutes=strategies.jumps)
    def a_while_passes(self, minutes: int) -> None:
        self.under_way()
        if not self.model.is_finished:
            self.ground.run(self.ground.fast_forward(self.stand, self.release, minutes * MINUTE))
            self.model.let_pass(minutes)

    @rule(environment=st.sampled_from((None, *strategies.ENVIRONMENTS)), deed=strategies.deeds_by_hand)
    def a_person_changes_the_flag(self, environment: str | None, deed: Deed) -> None:
        self.under_way()
        self.change_by_hand(environment or self.model.rung.environment, deed)

    @rule(and_then=st.sampled_from((0, 71)))
    def a_person_does_what_the_stage_is_to_do(self, and_then: int) -> None:
        self.under_way()
        if self.model.status == "running" and self.model.rung.deeds:
            self.change_by_hand(self.model.rung.environment, self.model.rung.deeds[self.model.step])
            if and_then:
                self.a_while_passes(minutes=and_then)

    @rule(number=strategies.numbers, start=strategies.numbers, overwrites=strategies.seldom, heard=st.booleans())
    def another_release_is_added(self, number: int, start: int, overwrites: bool, heard: bool) -> None:
        if self.model.is_finished:
            self.add(number, start=start, overwrites=overwrites)
            self.heard = heard
        else:
            with pytest.raises(AlreadyReleasing):
                self.add(number)

    @rule(following=st.sampled_from((None, True, False)))
    def the_worker_stops(self, following: bool | None) -> None:
        self.ground.run(self.ground.stop_worker())
        if following is not None:
            self.ground.run(self.ground.start_worker(self.stand, cached=following))

    @rule(failing=st.sampled_from(Failing))
    def the_next_attempt_fails(self, failing: Failing) -> None:
        self.ground.attempts.failing = [failing]

    @rule(latest=st.integers(1, 6))
    def what_was_done_is_done_again(self, latest: int) -> None:
        before = self.read()
        for attempt in self.ground.attempts.answered[-latest:]:
            again = self.ground.run(asyncio.to_thread(attempt.again))
            assert again == attempt.answer or _went_on(attempt.answer, again), f"{attempt} was answered {again}"
        assert self.read() == before

    @rule(signal=st.sampled_from(("look_again", "roll_over")))
    def the_workflow_is_nudged(self, signal: str) -> None:
        if not self.heard:
            self.settle()
        with suppress(RPCError):  # It may have ended.
            self.ground.run(self.stand.handle(self.release).signal(signal))
            self.model.told()


def _went_on(answer: object, again: object) -> bool:
    """A change that was made is made for good. One that was refused may have been made later; of other steps the last alone is known."""
    match answer:
        case Made():
            return False
        case Refused():
            return isinstance(again, Standing | Made)
        case Recorded(sequence=sequence):  # Of what is held since it is known no more when it was due.
            return isinstance(again, Standing) or (isinstance(again, Recorded) and (again.sequence, again.acts_at) == (sequence, None))
        case Standing():
            return isinstance(again, Standing)
        case _:
            raise TypeError(f"no rule for {answer!r}")
