"""Checks that hold back a stage that is due: stops, then freezes and windows, then approvals."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.errors import ApprovalTimedOut
from domain.pipelines.freeze import Freeze, next_opening
from domain.pipelines.gate import Gate, approval_among
from domain.releases.approval import Approval
from domain.releases.gate_hold import GateHold
from domain.releases.stop import Stop


class GateFacts(NamedTuple):
    """The facts that decide if a stage may act now.

    `approvals` are only those that count. Steps after the first need none.
    """

    stage: str
    environment: str
    gates: tuple[Gate, ...]
    at: datetime
    due_at: datetime
    stops: Sequence[Stop] = ()
    freezes: Sequence[Freeze] = ()
    approvals: Sequence[Approval] = ()
    step: int = 1


def held_by(facts: GateFacts) -> GateHold | None:
    """Return the first reason to hold back the stage, or None if it may act. Raises ApprovalTimedOut."""
    return next((held for check in _CHECKS if (held := check(facts))), None)


def _stopped(facts: GateFacts) -> GateHold | None:
    active = [stop for stop in facts.stops if stop.is_active(facts.at)]
    if not active:
        return None
    until = None if any(stop.expires_at is None for stop in active) else max(stop.expires_at for stop in active if stop.expires_at)
    message = f"{'; '.join(stop.in_words() for stop in active)}. The release continues once that is lifted."
    return GateHold(code="stopped", message=message, until=until)


def _frozen_or_closed(facts: GateFacts) -> GateHold | None:
    found = next_opening(facts.gates, facts.environment, facts.at, facts.freezes)
    if found.freeze:
        why = f": {found.freeze.reason}" if found.freeze.reason else ""
        message = f"'{found.freeze.name}' freezes {facts.environment} until {found.freeze.ends_at:%Y-%m-%d %H:%M:%S} UTC{why}."
        return GateHold(code="freeze", message=message, until=found.at)
    if found.window:
        when = f"opens at {found.at:%Y-%m-%d %H:%M:%S} UTC" if found.at else "does not open for more than a year"
        return GateHold(code="window", message=f"The window of '{facts.stage}' {when}.", until=found.at)
    return None


def _unapproved(facts: GateFacts) -> GateHold | None:
    gate = approval_among(facts.gates)
    if gate is None or facts.step > 1 or len(facts.approvals) >= gate.approvals:
        return None
    given = f"{len(facts.approvals)} of {gate.approvals}" + "".join(f", by {each.owner}" for each in facts.approvals)
    deadline = facts.due_at + gate.timeout if gate.timeout else None
    if deadline and facts.at >= deadline:
        raise ApprovalTimedOut(f"'{facts.stage}' was not approved in time: {given}. The deadline was {deadline:%Y-%m-%d %H:%M:%S} UTC.")
    message = f"'{facts.stage}' waits for approval by people with the right on {facts.environment}: {given}."
    return GateHold(code="approval", message=message, until=deadline)


_CHECKS: tuple[Callable[[GateFacts], GateHold | None], ...] = (_stopped, _frozen_or_closed, _unapproved)
