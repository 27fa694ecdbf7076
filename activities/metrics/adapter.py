"""The interface of a metric source's adapter, and the reasons why it can't tell."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from domain.metrics.metric import Metric, MetricQuestion
from domain.metrics.sample import Group, UnknownCode
from domain.text import as_reason

LONGEST_QUOTE = 300
"""The most characters of a source's own message that are shown."""


class CannotTell(Exception):
    """A source has no usable answer: a code, and a sentence that never names a credential."""

    def __init__(self, code: UnknownCode, message: str) -> None:
        super().__init__(message)
        self.code: UnknownCode = code
        self.message = message


class Deadline:
    """The end of everything that one question may take. It counts from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises CannotTell if there are none."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise self.passed()
        return seconds

    def passed(self) -> CannotTell:
        """Return the reason of a question that took too long."""
        return CannotTell("source_down", f"No complete answer came within {self.seconds:g} s.")


class Reading(NamedTuple):
    """A source's answer: one number or the values of groups, and the time of the newest data, if it is known."""

    value: float | None = None
    groups: tuple[Group, ...] = ()
    as_of: datetime | None = None


class Point(NamedTuple):
    """One point of a metric's history, or None for its value where the source has no usable one."""

    at: datetime
    value: float | None


class SentQuery(NamedTuple):
    """A query with its values, as a source gets it, and the values that are bound to it."""

    text: str
    bound: dict[str, str]


class MetricAdapter(Protocol):
    """A source of one kind. Many threads call it. Each call ends with its deadline, and raises CannotTell for everything else."""

    def ask(self, metric: Metric, question: MetricQuestion, deadline: Deadline) -> Reading:
        """Return the answer at the time of the question."""
        ...

    def history(self, metric: Metric, question: MetricQuestion, step: timedelta, deadline: Deadline) -> Sequence[Point] | None:
        """Return the values from `since` to `at`, or None if the source has no history of the metric."""
        ...

    def sent(self, metric: Metric, question: MetricQuestion) -> SentQuery:
        """Return the query as the source gets it."""
        ...

    def check(self, deadline: Deadline) -> str:
        """Ask something that every source of this kind can answer, and return a sentence about what works."""
        ...


def quoted(text: object) -> str:
    """Return a source's own message as one short line."""
    line = " ".join(as_reason(str(text)).split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1]}…"
