"""Things that happen at the same instant, and workflows that are reset: how it comes out is open, but it must be sound."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from temporalio.service import RPCError

from domain.control import Control, Expected
from tests.workflows.machine import drawing
from tests.workflows.machine.controls import Controls
from tests.workflows.machine.play import refusal_of
from tests.workflows.machine.troubles import Troubles
from tests.workflows.test_fence import reset_to_the_start

_STEERING = ("advance", "skip", "retry", "restart", "resume")
_STOPPING = ("pause", "remove")
_DOINGS = (*_STEERING, *_STOPPING, "a while", "by hand", "cancel", "again", "worker")


class Races(Controls, Troubles):
    """What nobody can predict."""

    @rule(doings=st.lists(st.sampled_from(_DOINGS), min_size=2, max_size=3, unique=True))
    def several_things_happen_at_once(self, doings: list[str]) -> None:
        self.under_way()
        self.ground.run(self._at_once([self._doing(doing) for doing in doings]))
        self.adopt()

    @rule(number=drawing.numbers)
    def the_workflow_is_reset(self, number: int) -> None:
        self.ready()
        with suppress(RPCError):  # Temporal may never have heard of it.
            self.ground.run(self._reset())
        self.last = None  # Temporal 1.32 answers an update that was settled before a reset with an internal error.
        self.adopt()

    async def _reset(self) -> None:
        """Begin again after the first task, come to where it was, and look at the record, which may be ahead.

        The clock, which this server then puts back, is put forward again.
        """
        before = await self.ground.now_of(self.stand, self.release)
        await reset_to_the_start(self.stand, self.release)
        await self.until_idle()
        while (lost := before - await self.ground.now_of(self.stand, self.release)) > timedelta():
            await self.ground.fast_forward(self.stand, self.release, lost)
        await self.until_idle()
        await self.stand.releases.look_again(self.release.workflow_id)

    async def _at_once(self, doings: list[Coroutine[Any, Any, Any]]) -> None:
        await asyncio.gather(*(_whatever_comes(doing) for doing in doings))

    def _doing(self, doing: str) -> Coroutine[Any, Any, Any]:
        if doing in _STEERING:
            asked = self.asked(Control(doing), to=self.model.index)
            return self.send(asked._replace(message=asked.message.model_copy(update={"expected": Expected()})))
        if doing in _STOPPING:
            return self.stopped(Control(doing))
        return self._trouble(doing)

    async def _trouble(self, doing: str) -> None:
        match doing:
            case "a while":
                await self.ground.fast_forward(self.stand, self.release, timedelta(minutes=71))
            case "by hand":
                await asyncio.to_thread(self.write_by_hand, self.model.rung.environment, drawing.IN_THE_WAY)
            case "cancel":
                await self.stand.handle(self.release).cancel()
            case "again":
                await asyncio.to_thread(lambda: [attempt.again() for attempt in self.ground.attempts.answered[-2:]])
            case "worker":
                await self.ground.stop_worker()
                await self.ground.start_worker(self.stand, cached=True)


async def _whatever_comes(doing: Coroutine[Any, Any, Any]) -> None:
    """A refusal is an answer, and a workflow that has ended can't be told anything."""
    with suppress(RPCError):
        await refusal_of(doing)
