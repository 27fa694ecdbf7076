"""Rules for concurrent events and for resets: their result can't be predicted, but the invariants must hold."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from temporalio.service import RPCError, RPCStatusCode

from activities.commands.stops_freezes import LiftRequest, end_freeze, lift_stop
from domain.releases.control import Control, Expected
from tests.workflows.resets import reset
from tests.workflows.state_machine import strategies
from tests.workflows.state_machine.guardrails import Guardrails
from tests.workflows.state_machine.model import ADDED_BY
from tests.workflows.state_machine.record import Row
from tests.workflows.state_machine.rules import rule
from tests.workflows.state_machine.scenario import refusal_of
from workflows.service.client import TemporalUnavailable

_UPDATES = ("advance", "skip", "retry", "restart", "resume")
_BY_RECORD = ("pause", "remove")
_WATCHES = ("watch", "watch too", "breach")
_GATE_EVENTS = ("stop", "lift", "freeze", "thaw", "approve", "reject")
_EVENTS = (*_UPDATES, *_BY_RECORD, "time passes", "edit", "cancel", "repeat", "restart worker", "rollback", *_WATCHES, *_GATE_EVENTS)


class Races(Guardrails):
    """Concurrent events and resets. The model adopts their result."""

    @rule(events=st.lists(st.sampled_from(_EVENTS), min_size=2, max_size=3, unique=True))
    def run_concurrently(self, events: list[str]) -> None:
        self.ensure_unfinished()
        self.backend.run(self._gather([self._event(event) for event in events]))
        self.adopt()

    @rule(times=st.integers(1, 2))
    def reset_workflow(self, times: int) -> None:
        self.ensure_worker()
        decisions = len(self._decisions())
        with suppress(RPCError):  # Temporal may not know the workflow.
            for _ in range(times):
                self.backend.run(self._reset())
        assert len(self._decisions()) == decisions, f"a decision was carried out again\n{self.audit_text()}"
        self.last = None  # Temporal 1.32 answers an update that was completed before a reset with an internal error.
        self.adopt()

    def _decisions(self) -> list[Row]:
        return [entry for entry in self.read().latest.audit if entry["actor_kind"] == "key"]

    async def _reset(self) -> None:
        """Reset to the first task, wait until the workflow has caught up, and let it read the record, which may be ahead.

        The server sets the workflow's clock back, so advance it again. A stage that is held back is not reset: it would be tried at once,
        by a clock that is behind its due time.
        """
        if self.harness.record(self.release).held:
            return
        before = await self.backend.now_of(self.harness, self.release)
        await reset(self.harness, self.harness.handle(self.release))
        await self.until_idle()
        while (lost := before - await self.backend.now_of(self.harness, self.release)) > timedelta():
            await self.backend.fast_forward(self.harness, self.release, lost)
        await self.until_idle()
        await self.harness.releases.look_again(self.release.workflow_id)

    def adopt(self) -> None:
        """Adopt the record, because the result could not be predicted."""
        self.backend.run(self._adopt())

    async def _gather(self, events: list[Coroutine[Any, Any, Any]]) -> None:
        await asyncio.gather(*(_ignoring_refusals(event) for event in events))

    def _event(self, event: str) -> Coroutine[Any, Any, Any]:
        if event in _UPDATES:
            sent = self.message_for(Control(event), to=self.model.index)
            return self.deliver(sent._replace(message=sent.message.model_copy(update={"expected": Expected()})))
        if event in _BY_RECORD:
            return self.stop_in_record(Control(event))
        if event in _WATCHES:
            return self._watch(event)
        if event in _GATE_EVENTS:
            return asyncio.to_thread(self._write_gate_event, event, datetime.now(UTC))
        return self._other_event(event)

    def _write_gate_event(self, event: str, at: datetime) -> None:
        """Change what holds the stage back, as the API does. `at` is our time, which may differ from the clock of the release."""
        environment, project, owner = self.model.stage.environment, self.harness.world.project, self.people[ADDED_BY]
        match event:
            case "stop":
                self.in_one_transaction(lambda store: self.write_stop(store, "vera", environment, False, None, at))
            case "freeze":
                self.in_one_transaction(lambda store: self.write_freeze(store, environment, 0, 193, at))
            case "lift":
                for stop in list(self.stops_and_freezes.stops):
                    self.in_one_transaction(partial(lift_stop, caller=owner, project=project, request=LiftRequest(stop), at=at))
            case "thaw":
                for freeze in list(self.stops_and_freezes.freezes):
                    self.in_one_transaction(partial(end_freeze, caller=owner, project=project, freeze_id=freeze, at=at))
            case "approve" | "reject":
                self.in_one_transaction(self.decision(event, "victor", stale=False, at=at))
            case _:
                raise ValueError(f"no rule for {event}")

    async def _other_event(self, event: str) -> None:
        match event:
            case "time passes":
                await self.backend.fast_forward(self.harness, self.release, timedelta(minutes=71))
            case "edit":
                await asyncio.to_thread(self.write_flag, self.model.stage.environment, strategies.CONFLICTING)
            case "cancel":
                await self.harness.handle(self.release).cancel()
            case "rollback":
                await self.request_rollback(None)
            case "repeat":
                await asyncio.to_thread(lambda: [attempt.repeat() for attempt in self.backend.attempts.completed[-2:]])
            case "restart worker":
                await self.backend.stop_worker()
                await self.backend.start_worker(self.harness, cached=True)
            case _:
                raise ValueError(f"no rule for {event}")

    async def _watch(self, event: str) -> None:
        """Look at the stage, maybe at the same time as another watch of it. For a breach, everything fails first."""
        if event == "breach":
            self.set_metrics(errors="fail", speed="fail")
        record = await asyncio.to_thread(self.harness.record, self.release)
        if not record.is_finished and record.entered_at:
            await self.backend.looks.look(record, await self.backend.now_of(self.harness, record))


async def _ignoring_refusals(event: Coroutine[Any, Any, Any]) -> None:
    """Await an event. It may be refused, its workflow may have ended, or the workflow may be closing, so that it must be sent again."""
    try:
        await refusal_of(event)
    except RPCError:
        pass
    except TemporalUnavailable as error:
        if not isinstance(error.__cause__, RPCError) or error.__cause__.status is not RPCStatusCode.FAILED_PRECONDITION:
            raise
