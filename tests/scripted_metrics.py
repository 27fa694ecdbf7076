"""Metrics whose answers a test sets, in place of real sources."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from activities.guarding.sampling import Sampler
from activities.guarding.stage_guard import StageGuard
from activities.store.database import Database
from domain.metrics.check import CheckAnswer, CheckQuestion
from domain.metrics.condition import Outcome
from domain.metrics.metric import MetricQuestion
from domain.metrics.sample import Group, Sample, Unknown

NO_DATA = Unknown(code="no_data", message="The source has no data.")


class ScriptedMetrics:
    """Answers with what the test has set last, and notes every question. A metric without an answer has no data."""

    def __init__(self) -> None:
        self.values: dict[str, float | Unknown] = {}
        self.groups: dict[str, dict[str, tuple[int, int]]] = {}
        """Metric -> group -> its users, and how many of these converted."""
        self.missed: dict[str, Sequence[tuple[datetime, float]]] = {}
        self.checks: dict[str, CheckAnswer] = {}
        self.asked: list[MetricQuestion | CheckQuestion] = []

    def sample(self, question: MetricQuestion) -> Sample:
        """Return the value that is set now."""
        self.asked.append(question)
        if groups := self.groups.get(question.metric):
            return Sample(at=question.at, groups=tuple(conversions(name, *counts) for name, counts in groups.items()))
        answer = self.values.get(question.metric, NO_DATA)
        return Sample(at=question.at, unknown=answer) if isinstance(answer, Unknown) else Sample(at=question.at, value=answer)

    def samples(self, question: MetricQuestion, every: timedelta) -> Sequence[Sample]:
        """Return what the source remembers of the time since."""
        found = self.missed.get(question.metric, ())
        return [Sample(at=at, value=value) for at, value in found if question.since <= at <= question.at]

    def check(self, question: CheckQuestion) -> CheckAnswer:
        """Return the answer that is set now."""
        self.asked.append(question)
        return self.checks.get(question.source, CheckAnswer(outcome=Outcome.UNKNOWN, message="The source is down."))

    def identity(self, question: MetricQuestion) -> str:
        """Return what the question is about. Any two questions about the same feature and environment are the same."""
        return f"{question.metric}/{question.feature}/{question.environment}"


def conversions(name: str, users: int, converted: int) -> Group:
    """Return the values of a group in which each value is 0 or 1."""
    mean = converted / users if users else 0.0
    return Group(name=name, n=users, mean=mean, variance=mean * (1 - mean) * users / (users - 1) if users > 1 else 0.0)


def guard_with(database: Database, metrics: ScriptedMetrics | None = None) -> StageGuard:
    """Return a guard that asks these metrics."""
    return StageGuard(database, Sampler(metrics or ScriptedMetrics()))
