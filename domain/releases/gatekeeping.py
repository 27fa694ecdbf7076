"""What keeps a stage that is due from acting: stops, freezes, windows, approvals, in this order."""

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
    """What decides whether a stage may act now. Approvals are those that count; steps after the first ask nobody."""

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
    """The first thing that keeps the stage from acting; nothing where it may. Raises ApprovalTimedOut."""
    return next((held for look in _LOOKS if (held := look(facts))), None)


def _stopped(facts: GateFacts) -> GateHold | None:
    standing = [stop for stop in facts.stops if stop.stands(facts.at)]
    if not standing:
        return None
    until = None if any(stop.expires_at is None for stop in standing) else max(stop.expires_at for stop in standing if stop.expires_at)
    return GateHold(
        code="stopped", message=f"{'; '.join(stop.in_words() for stop in standing)}. It goes on once that is lifted.", until=until
    )


def _frozen_or_shut(facts: GateFacts) -> GateHold | None:
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
        raise ApprovalTimedOut(f"'{facts.stage}' was not approved in time: {given} approvals by {deadline:%Y-%m-%d %H:%M:%S} UTC.")
    message = f"'{facts.stage}' waits for approval by people with the right on {facts.environment}: {given}."
    return GateHold(code="approval", message=message, until=deadline)


_LOOKS: tuple[Callable[[GateFacts], GateHold | None], ...] = (_stopped, _frozen_or_shut, _unapproved)
