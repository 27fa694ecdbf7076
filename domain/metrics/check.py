"""Checks: questions to an HTTP source whether a stage may act, and their answers."""

from typing import Annotated

from pydantic import StringConstraints

from domain.metrics.condition import Outcome
from domain.metrics.metric import MetricQuestion
from domain.model import Frozen, Message, Moment

CheckPath = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
"""A path below the source's address, with parameters in braces."""


class CheckQuestion(Frozen):
    """A path at a source of kind http, and the flag and the time that it is asked about."""

    project: str
    source: str
    path: str
    feature: str
    environment: str
    at: Moment

    @property
    def about(self) -> MetricQuestion:
        """The same as a question whose values fill the path. There is no window, so it counts as one second."""
        return MetricQuestion(
            project=self.project, metric="", feature=self.feature, environment=self.environment, since=self.at, at=self.at
        )


class CheckAnswer(Message):
    """The answer of a check. A status of 2xx passes, and any other one holds the stage. `until` is when to ask again."""

    outcome: Outcome
    message: str
    until: Moment | None = None
