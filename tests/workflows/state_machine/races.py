"""Things that happen at the same instant, and workflows that are reset: how it comes out is open, but it must be sound."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from temporalio.service import RPCError, RPCStatusCode

from activities.commands.stops_freezes import end_freeze, lift_stop
from domain.releases.control import Control, Expected
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.model import ADDED_BY
from tests.workflows.state_machine.record import Row
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import refusal_of
from tests.workflows.state_machine.stops_freezes import Guarding
from tests.workflows.test_fence import reset_to_the_start
from workflows.service.client import TemporalUnavailable

_STEERING = ("advance", "skip", "retry", "restart", "resume")
_STOPPING = ("pause", "remove")
_GUARDING = ("stop", "lift", "freeze", "thaw", "approve", "reject")
_DOINGS = (*_STEERING, *_STOPPING, "a while", "by hand", "cancel", "again", "worker", "rollback", *_GUARDING)


class Races(Guarding):
    """What nobody can predict."""

    @rule(doings=st.lists(st.sampled_from(_DOINGS), min_size=2, max_size=3, unique=True))
    def several_things_happen_at_once(self, doings: list[str]) -> None:
        self.under_way()
        self.ground.run(self._at_once([self._doing(doing) for doing in doings]))
        self.adopt()

    @rule(times=st.integers(1, 2))
    def the_workflow_is_reset(self, times: int) -> None:
        self.ready()
        decisions = len(self._decisions())
        with suppress(RPCError):  # Temporal may never have heard of it.
            for _ in range(times):
                self.ground.run(self._reset())
        assert len(self._decisions()) == decisions, f"a decision was carried out again\n{self.told()}"
        self.last = None  # Temporal 1.32 answers an update that was settled before a reset with an internal error.
        self.adopt()

    def _decisions(self) -> list[Row]:
        return [entry for entry in self.read().latest.audit if entry["actor_kind"] == "key"]

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

    def adopt(self) -> None:
        """Where what happened could not be predicted, the record says how it came."""
        self.ground.run(self._adopt())

    async def _at_once(self, doings: list[Coroutine[Any, Any, Any]]) -> None:
        await asyncio.gather(*(_whatever_comes(doing) for doing in doings))

    def _doing(self, doing: str) -> Coroutine[Any, Any, Any]:
        if doing in _STEERING:
            asked = self.asked(Control(doing), to=self.model.index)
            return self.send(asked._replace(message=asked.message.model_copy(update={"expected": Expected()})))
        if doing in _STOPPING:
            return self.stopped(Control(doing))
        if doing in _GUARDING:
            return asyncio.to_thread(self.guard, doing, datetime.now(UTC))
        return self._trouble(doing)

    def guard(self, doing: str, at: datetime) -> None:
        """Put something in its way, or take it out, as the API does; by the clock of a release that has just been added, at times."""
        place, project, owner = self.model.rung.environment, self.stand.world.project, self.people[ADDED_BY]
        match doing:
            case "stop":
                self.in_one_transaction(lambda store: self.stopped_by(store, "vera", place, False, None, at))
            case "freeze":
                self.in_one_transaction(lambda store: self.frozen(store, place, 0, 193, at))
            case "lift":
                for stop in list(self.guards.halts):
                    self.in_one_transaction(partial(lift_stop, caller=owner, project=project, stop_id=stop, at=at, reason=None))
            case "thaw":
                for freeze in list(self.guards.frosts):
                    self.in_one_transaction(partial(end_freeze, caller=owner, project=project, freeze_id=freeze, at=at))
            case "approve" | "reject":
                self.in_one_transaction(self.deciding(doing, "victor", stale=False, at=at))
            case _:
                raise ValueError(f"no rule for {doing}")

    async def _trouble(self, doing: str) -> None:
        match doing:
            case "a while":
                await self.ground.fast_forward(self.stand, self.release, timedelta(minutes=71))
            case "by hand":
                await asyncio.to_thread(self.write_by_hand, self.model.rung.environment, strategies.IN_THE_WAY)
            case "cancel":
                await self.stand.handle(self.release).cancel()
            case "rollback":
                await self.rolled_back(None)
            case "again":
                await asyncio.to_thread(lambda: [attempt.again() for attempt in self.ground.attempts.answered[-2:]])
            case "worker":
                await self.ground.stop_worker()
                await self.ground.start_worker(self.stand, cached=True)
            case _:
                raise ValueError(f"no rule for {doing}")


async def _whatever_comes(doing: Coroutine[Any, Any, Any]) -> None:
    """A refusal is an answer, a workflow that has ended can't be told anything, and one whose end was overtaken wants to be asked again."""
    try:
        await refusal_of(doing)
    except RPCError:
        pass
    except TemporalUnavailable as error:
        if not isinstance(error.__cause__, RPCError) or error.__cause__.status is not RPCStatusCode.FAILED_PRECONDITION:
            raise
