"""Samples of metrics: the one place where sources are asked, each with its own limits."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpcore
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.dns import Resolver
from activities.metrics.adapter import CannotTell, Deadline, MetricAdapter, Reading, SentQuery
from activities.metrics.bounded_lookup import bounded
from activities.metrics.catalogue import Reach, check_reachable
from activities.metrics.definitions import Definitions, OpenedSource
from activities.providers.sealing import Sealer
from activities.store.database import Database
from activities.store.metric_sources import StoredSource
from domain.duration import speak_duration
from domain.errors import NotFound
from domain.metrics.check import CheckAnswer, CheckQuestion
from domain.metrics.condition import Outcome
from domain.metrics.metric import Metric, MetricQuestion
from domain.metrics.query import names_window
from domain.metrics.sample import Sample, Unknown
from domain.metrics.source import MetricSource

SAMPLE_SECONDS = 8.0
"""The longest that one question takes, with its wait for a turn."""

MOST_POINTS = 500
"""The most points of a history."""

Answer = TypeVar("Answer")


class MetricReader:
    """Asks the sources of all projects. Threads share it. A source that hangs delays only questions to it."""

    def __init__(
        self, database: Database, sealer: Sealer, resolver: Resolver, sql_folder: Path | None = None, seconds: float = SAMPLE_SECONDS
    ) -> None:
        quick = Resolver(bounded(resolver.lookup), allow_private=resolver.allow_private)
        self.definitions = Definitions(database, sealer, Reach(quick, httpcore.default_ssl_context(), sql_folder))
        self.seconds = seconds

    def sample(self, question: MetricQuestion) -> Sample:
        """Return the answer of a stored metric. Everything that prevents one makes it unknown."""
        try:
            with _as_reasons():
                metric, opened = self.definitions.of_metric(question.project, question.metric)
            return self._ask(metric, opened, question)
        except CannotTell as reason:
            return _unknown(question.at, reason)

    def identity(self, question: MetricQuestion) -> str:
        """Return what two questions have in common if they are the same whenever they are asked: metric, and values in its query."""
        known = f"{question.project}/{question.metric}"
        try:
            with _as_reasons():
                metric, opened = self.definitions.of_metric(question.project, question.metric)
            sent = opened.adapter.sent(metric, question.model_copy(update={"at": question.since}))
        except CannotTell:
            return known
        bound = {name: value for name, value in sent.bound.items() if name != "now"}
        since = question.since.isoformat() if names_window(metric.query) else ""
        return f"{known}/{sent.text}/{bound}/{since}"

    def samples(self, question: MetricQuestion, every: timedelta) -> list[Sample]:
        """Return one sample for each interval from `since` to `at`, or of longer ones if there were too many, the newest last.

        Only the newest is checked for its age. If the source has no history of the metric, it is the only one.
        """
        newest = self.sample(question)
        try:
            with _as_reasons():
                metric, opened = self.definitions.of_metric(question.project, question.metric)
            return [*self._history(metric, opened, question, every), newest]
        except CannotTell:
            return [newest]

    def ask(self, metric: Metric, stored: StoredSource, question: MetricQuestion) -> Sample:
        """Return the answer of a metric that need not be stored, from this source."""
        try:
            return self._ask(metric, self.definitions.of_source(question.project, stored), question)
        except CannotTell as reason:
            return _unknown(question.at, reason)

    def sent(self, metric: Metric, stored: StoredSource, question: MetricQuestion) -> SentQuery:
        """Return the query as the source gets it. Raises CannotTell if it can't be sent."""
        return self.definitions.of_source(question.project, stored).adapter.sent(metric, question)

    def answers(self, project: str, stored: StoredSource) -> tuple[bool, str]:
        """Return True if the source answers, and a sentence."""
        try:
            return True, _in_turn(
                self.definitions.of_source(project, stored), Deadline(self.seconds), lambda adapter, deadline: adapter.check(deadline)
            )
        except CannotTell as reason:
            return False, reason.message

    def check(self, question: CheckQuestion) -> CheckAnswer:
        """Ask a URL of an HTTP source whether a stage may act. An outage is unknown, and never an exception."""
        try:
            with _as_reasons():
                opened = self.definitions.of_source_named(question.project, question.source)
            http = opened.http
            if http is None:
                raise CannotTell("source_refused", f"The source '{question.source}' is not of kind http, and only these have URLs.")
            return _in_turn(opened, Deadline(self.seconds), lambda _, deadline: http.may_act(question.path, question.about, deadline))
        except CannotTell as reason:
            return CheckAnswer(outcome=Outcome.UNKNOWN, message=reason.message)

    def seal(self, credential: SecretStr) -> str:
        """Encrypt a credential. Raises Invalid without a key."""
        return self.definitions.sealer.seal(credential)

    def check_reachable(self, source: MetricSource) -> None:
        """Raise Invalid if the source's address must not be called. Makes no call."""
        check_reachable(source, self.definitions.reach)

    def _ask(self, metric: Metric, opened: OpenedSource, question: MetricQuestion) -> Sample:
        reading = _in_turn(opened, Deadline(self.seconds), lambda adapter, deadline: adapter.ask(metric, question, deadline))
        _check_fresh(metric, reading, question.at)
        return Sample(at=question.at, value=reading.value, groups=reading.groups)

    def _history(self, metric: Metric, opened: OpenedSource, question: MetricQuestion, every: timedelta) -> Iterator[Sample]:
        step = _step(question, every)
        points = _in_turn(opened, Deadline(self.seconds), lambda adapter, deadline: adapter.history(metric, question, step, deadline))
        if points is None:
            return
        known = {round((point.at - question.since) / step): point.value for point in points}
        for number in range(math.ceil((question.at - question.since) / step)):
            at, value = question.since + number * step, known.get(number)
            yield (
                Sample(at=at, value=value) if value is not None else _unknown(at, CannotTell("no_data", "There is no value at this time."))
            )


@contextmanager
def _as_reasons() -> Iterator[None]:
    """Treat a definition that is missing, and an outage of our own database, as reasons why a metric can't tell."""
    try:
        yield
    except NotFound as missing:
        raise CannotTell("source_refused", missing.message) from None
    except (DBAPIError, PoolTimeout):
        raise CannotTell("source_down", "Flaghoist's own database can't be reached, which has the metric's definition.") from None


def _in_turn(opened: OpenedSource, deadline: Deadline, ask: Callable[[MetricAdapter, Deadline], Answer]) -> Answer:
    """Ask a source once one of its turns is free. Raises CannotTell, whose message never has the credential."""
    if not opened.turns.acquire(timeout=deadline.left()):
        raise CannotTell("source_down", f"All {opened.calls} calls to the source at the same time are taken.")
    try:
        return ask(opened.adapter, deadline)
    except CannotTell as reason:
        raise CannotTell(reason.code, opened.without_credential(reason.message)) from None
    finally:
        opened.turns.release()


def _check_fresh(metric: Metric, reading: Reading, at: datetime) -> None:
    """Raise CannotTell if the newest data is too old."""
    if reading.as_of is not None and at - reading.as_of > metric.max_age:
        age = speak_duration(timedelta(seconds=int((at - reading.as_of).total_seconds())))
        raise CannotTell("stale", f"The newest data is {age} old, and may be at most {speak_duration(metric.max_age)} old.")


def _step(question: MetricQuestion, every: timedelta) -> timedelta:
    """Return whole seconds between two points, so that there are not too many."""
    seconds = max(every.total_seconds(), (question.at - question.since).total_seconds() / MOST_POINTS, 1)
    return timedelta(seconds=math.ceil(seconds))


def _unknown(at: datetime, reason: CannotTell) -> Sample:
    return Sample(at=at, unknown=Unknown(code=reason.code, message=reason.message))
