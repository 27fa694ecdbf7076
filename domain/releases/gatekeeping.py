"""Checks that hold back a stage that is due: stops, freezes and windows, approvals, then guardrails, metrics and checks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from domain.duration import speak_duration
from domain.errors import ApprovalTimedOut
from domain.metrics.condition import Outcome
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.freeze import Freeze, next_opening
from domain.pipelines.gate import CheckGate, Gate, MetricGate, approval_among, gate_key
from domain.pipelines.guardrail import Guardrail
from domain.releases.approval import Approval
from domain.releases.gate_hold import GateHold
from domain.releases.observed import Observed
from domain.releases.stop import Stop


class GateFacts(NamedTuple):
    """The facts that decide if a stage may act now.

    `approvals` are only those that count. Steps after the first need none. `observed` has the state of guardrails and gates by their key.
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
    guardrails: tuple[Guardrail, ...] = ()
    observed: Mapping[str, Observed] = {}


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


def _guarded(facts: GateFacts) -> GateHold | None:
    """Hold the stage back while a guardrail fails, can't tell, or has no fresh sample: no change is made blind."""
    for guardrail in facts.guardrails:
        seen = facts.observed.get(guardrail.key)
        if not guardrail.holds_changes or (seen and seen.is_fresh(facts.at) and seen.outcome is Outcome.PASS):
            continue
        if seen and seen.outcome is Outcome.FAIL and seen.is_fresh(facts.at):
            failures = f" {seen.failures} of {guardrail.failures} failures in a row." if seen.failures else ""
            message = f"The guardrail '{guardrail.name}' fails: {seen.message}{failures} '{facts.stage}' acts once it passes."
        else:
            message = f"The guardrail '{guardrail.name}' {_cannot_tell(facts, seen)} '{facts.stage}' acts once it can tell, and passes."
        return GateHold(code="guardrail", message=message)
    return None


def _unmeasured(facts: GateFacts) -> GateHold | None:
    for gate, seen in _observed_gates(facts, MetricGate):
        if seen is None or seen.outcome is Outcome.UNKNOWN or not seen.is_fresh(facts.at):
            return GateHold(code="metric", message=f"The metric '{gate.metric}' {_cannot_tell(facts, seen)}")
        if seen.outcome is Outcome.FAIL:
            return GateHold(code="metric", message=f"'{facts.stage}' waits until '{gate.metric}' passes. {seen.message}")
        if not seen.has_passed_for(gate.passing_for, facts.at):
            until = seen.since + gate.passing_for
            needed = speak_duration(gate.passing_for)
            since = f"{seen.since:%Y-%m-%d %H:%M:%S} UTC"
            message = f"'{gate.metric}' passes since {since}, and '{facts.stage}' acts once it has passed for {needed}."
            return GateHold(code="metric", message=message, until=until)
    return None


def _unchecked(facts: GateFacts) -> GateHold | None:
    for gate, seen in _observed_gates(facts, CheckGate):
        if seen is None or not seen.is_fresh(facts.at):
            return GateHold(code="check", message=f"The {gate.in_words()} {_cannot_tell(facts, seen)}")
        if seen.outcome is not Outcome.PASS:
            until = seen.until if seen.until and seen.until > facts.at else None
            return GateHold(code="check", message=f"The {gate.in_words()} does not pass. {seen.message}", until=until)
    return None


def _undecided(facts: GateFacts) -> GateHold | None:
    for gate, seen in _observed_gates(facts, ExperimentGate):
        if seen is None:
            return GateHold(code="experiment", message=f"The {gate.in_words()} {_cannot_tell(facts, seen)}")
        if seen.outcome is not Outcome.PASS:
            return GateHold(code="experiment", message=f"'{facts.stage}' waits for the {gate.in_words()}. {seen.message}")
    return None


GateType = TypeVar("GateType", MetricGate, CheckGate, ExperimentGate)


def _observed_gates(facts: GateFacts, kind: type[GateType]) -> Iterator[tuple[GateType, Observed | None]]:
    for number, gate in enumerate(facts.gates, start=1):
        if isinstance(gate, kind):
            yield gate, facts.observed.get(gate_key(number))


def _cannot_tell(facts: GateFacts, seen: Observed | None) -> str:
    if seen is None:
        return "has no sample yet."
    if not seen.is_fresh(facts.at):
        return f"has no sample since {seen.at:%Y-%m-%d %H:%M:%S} UTC."
    return f"can't tell. {seen.message}"


_CHECKS: tuple[Callable[[GateFacts], GateHold | None], ...] = (
    _stopped,
    _frozen_or_closed,
    _unapproved,
    _guarded,
    _unmeasured,
    _unchecked,
    _undecided,
)
