"""Rules for everything else: time, changes by hand, workers that die, and attempts that run twice."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import strategies as st
from temporalio.service import RPCError

from activities.messages import HeldBack, Made, Recorded, Refused, Standing
from domain.errors import AlreadyReleasing
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.attempts import FailurePoint
from tests.workflows.state_machine.flag_model import Edit
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import MINUTE, Scenario


class Faults(Scenario):
    """Events from outside the release."""

    @rule(minutes=strategies.jumps)
    def let_time_pass(self, minutes: int) -> None:
        self.ensure_unfinished()
        if not self.model.is_finished:
            self.backend.run(self.backend.fast_forward(self.harness, self.release, minutes * MINUTE))
            self.model.let_pass(minutes)

    @rule(environment=st.sampled_from((None, *strategies.ENVIRONMENTS)), edit=strategies.edits_by_hand)
    def edit_flag(self, environment: str | None, edit: Edit) -> None:
        self.ensure_unfinished()
        self.change_by_hand(environment or self.model.stage.environment, edit)

    @rule(and_then=st.sampled_from((0, 71)))
    def edit_flag_as_the_stage_will(self, and_then: int) -> None:
        self.ensure_unfinished()
        if self.model.status == "running" and self.model.stage.edits:
            self.change_by_hand(self.model.stage.environment, self.model.stage.edits[self.model.step])
            if and_then:
                self.settle()  # The signal that the flag was changed arrives before time passes.
                self.let_time_pass(minutes=and_then)

    @rule(number=strategies.numbers, start=strategies.numbers, overwrites=strategies.rarely, settles=st.booleans())
    def add_release(self, number: int, start: int, overwrites: bool, settles: bool) -> None:
        if self.model.is_finished:
            self.add(number, start=start, overwrites=overwrites)
            self.is_settling = settles
        else:
            with pytest.raises(AlreadyReleasing):
                self.add(number)

    @rule(restarts=st.sampled_from((None, "with a cache", "without a cache")))
    def stop_worker(self, restarts: str | None) -> None:
        self.backend.run(self.backend.stop_worker())
        if restarts:
            self.backend.run(self.backend.start_worker(self.harness, cached=restarts == "with a cache"))

    @rule(point=st.sampled_from(FailurePoint))
    def fail_next_attempt(self, point: FailurePoint) -> None:
        self.backend.attempts.failing = [point]

    @rule(latest=st.integers(1, 6))
    def repeat_attempts(self, latest: int) -> None:
        before = self.read()
        for attempt in self.backend.attempts.completed[-latest:]:
            result = self.backend.run(asyncio.to_thread(attempt.repeat))
            assert result == attempt.result or _is_overtaken(attempt.result, result), f"{attempt} was answered {result}"
        assert self.read() == before

    @rule(signal=st.sampled_from(("look_again", "roll_over")))
    def signal_workflow(self, signal: str) -> None:
        if not self.is_settling:
            self.settle()
        with suppress(RPCError):  # It may have ended.
            self.backend.run(self.harness.handle(self.release).signal(signal))
            self.model.recheck_gates()


def _is_overtaken(first: object, second: object) -> bool:
    """True if the second result of an attempt is right after the release has moved on.

    A change that was made stays made. A refused one may have been made later. Of other steps only the last one is still known.
    """
    match first:
        case Made():
            return False
        case Refused():
            return isinstance(second, Standing | Made)
        case Recorded(sequence=sequence):  # The due time of a stage that was held back since is not known any more.
            is_same_step = isinstance(second, Recorded) and (second.sequence, second.acts_at) == (sequence, None)
            return isinstance(second, Standing) or is_same_step
        case Standing() | HeldBack():
            return isinstance(second, Standing)
        case _:
            raise TypeError(f"no rule for {first!r}")
