"""Observations: the state of a guardrail or a gate that is sampled, as the evidence of one visit shows it."""

from datetime import datetime, timedelta

from domain.metrics.condition import Outcome, Verdict
from domain.model import Message, Moment
from domain.pipelines.guardrail import Guardrail

FRESH = timedelta(minutes=1)
"""The age of a sample up to which a change may rely on it."""

MISSED = 3
"""The number of intervals without a sample after which a row of equal outcomes counts as broken."""

_APART = 0.5
"""The part of an interval that lies between two failures that count. Attempts to act and a second worker sample in between too."""

_CLOCKS = timedelta(seconds=15)
"""The tolerance of an interval: workers have different clocks, and a worker that died must be noticed."""


class Observed(Message):
    """The last sample of a guardrail or a gate, and the row of equal outcomes that it ends.

    `failures` counts failed samples in a row, and `unknowns` those that could not tell. An unknown one neither adds to `failures` nor
    ends their row. `failed_at` is the time of the last one that counted: of several at about the same time, only one does.
    `longest` is the longest row of failures since the last breach: one that was over before anybody looked counts too.
    `until` is the time until which a check asks to wait.
    """

    at: Moment
    outcome: Outcome
    value: float | None = None
    message: str = ""
    since: Moment
    failures: int = 0
    failed_at: Moment | None = None
    longest: int = 0
    unknowns: int = 0
    until: Moment | None = None
    breached_at: Moment | None = None
    """The time of the last breach, or of the look at which an experiment found all variants worse, until a sample passes."""

    def is_fresh(self, at: datetime) -> bool:
        """True if a change at that time may rely on it."""
        return abs(at - self.at) <= FRESH

    def has_just_failed(self, at: datetime, every: timedelta) -> bool:
        """True if a failure at that time is the same as the last one of its row."""
        return self.failures > 0 and self.failed_at is not None and at - self.failed_at < every * _APART

    def has_passed_for(self, duration: timedelta, at: datetime) -> bool:
        """True if it passes without a break for at least that long."""
        return self.outcome is Outcome.PASS and at - self.since >= duration

    def breaches(self, guardrail: Guardrail) -> bool:
        """True if enough samples failed in a row. What only tells people tells them once, until a sample passes."""
        return self.longest >= guardrail.failures and (guardrail.holds_changes or self.breached_at is None)

    def after_breach(self, at: datetime) -> "Observed":
        """Return a copy that has breached: its failures count anew."""
        return self.model_copy(update={"failures": 0, "longest": 0, "breached_at": at})


def decided(at: datetime, verdict: Verdict, last: Observed | None) -> Observed:
    """Return the state of an experiment that has decided. It stays so, whatever later samples say."""
    since = last.since if last and last.outcome is Outcome.PASS else at
    return Observed(at=at, outcome=Outcome.PASS, value=verdict.value, message=verdict.message[:500], since=since)


def observed_after(last: Observed | None, at: datetime, verdict: Verdict, every: timedelta, until: datetime | None = None) -> Observed:
    """Return the state after one more sample. A gap without samples breaks a row of passing ones."""
    same = last is not None and last.outcome is verdict.outcome and at - last.at <= every * MISSED + _CLOCKS
    before = last.failures if last else 0
    counts = verdict.outcome is Outcome.FAIL and not (last and last.has_just_failed(at, every))
    failures = 0 if verdict.outcome is Outcome.PASS else before + counts
    return Observed(
        at=at,
        outcome=verdict.outcome,
        value=verdict.value,
        message=verdict.message[:500],
        since=last.since if same and last else at,
        failures=failures,
        failed_at=at if counts else last.failed_at if last else None,
        longest=max(failures, last.longest if last else 0),
        unknowns=(last.unknowns if last else 0) + 1 if verdict.outcome is Outcome.UNKNOWN else 0,
        until=until,
        breached_at=last.breached_at if last and verdict.outcome is not Outcome.PASS else None,
    )
