"""Metrics whose questions are shared: the same question at about the same time is asked once, however many releases it is about."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import NamedTuple

from activities.guarding.sampling import Metrics
from domain.metrics.check import CheckAnswer, CheckQuestion
from domain.metrics.metric import MetricQuestion
from domain.metrics.sample import Sample

SAME_TIME = timedelta(seconds=2)
"""The time within which an answer serves the same question again. It is less than the shortest interval."""

MOST_KEPT = 10_000


class _Asked(NamedTuple):
    at: datetime
    answer: "Future[Sample]"


class SharedMetrics:
    """Passes questions on, and answers those that are under way or were just asked with the same answer. Threads share it."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._lock = threading.Lock()

    def sample(self, question: MetricQuestion) -> Sample:
        """Return the answer of a metric, asked now or within the last moment."""
        identity = self.metrics.identity(question)
        with self._lock:
            known = self._asked.get(identity)
            if known is None or not timedelta(0) <= question.at - known.at < SAME_TIME:
                known = None
                asked = _Asked(question.at, Future())
                self._asked[identity] = asked
                self._asked.move_to_end(identity)
                if len(self._asked) > MOST_KEPT:
                    self._asked.popitem(last=False)
        if known:
            return known.answer.result()
        try:
            asked.answer.set_result(self.metrics.sample(question))
        except BaseException as error:
            asked.answer.set_exception(error)
        return asked.answer.result()

    def samples(self, question: MetricQuestion, every: timedelta) -> Sequence[Sample]:
        """Return the history of a metric. It is asked each time."""
        return self.metrics.samples(question, every)

    def check(self, question: CheckQuestion) -> CheckAnswer:
        """Return the answer of a check. It is asked each time."""
        return self.metrics.check(question)

    def identity(self, question: MetricQuestion) -> str:
        """Return what is the same for the same question about another release."""
        return self.metrics.identity(question)
