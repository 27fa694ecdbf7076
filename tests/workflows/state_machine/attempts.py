"""What a worker's activities were asked and answered. An attempt can be made to fail before it commits, or after."""

from enum import StrEnum
from typing import Any, NamedTuple

from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.messages import HeldBack


class Failing(StrEnum):
    """When an attempt fails: before anything is written, or when all is written but nobody has heard."""

    BEFORE = "before"
    AFTER = "after"


class Attempt(NamedTuple):
    """A call of an activity that was answered."""

    activity: Any
    arguments: tuple[Any, ...]
    answer: Any

    def again(self) -> Any:
        """What a second attempt answers, made as if a worker had died before it could tell of the first."""
        return ActivityEnvironment().run(self.activity, *self.arguments)


class Attempts(Interceptor):
    """Watches a worker's activities."""

    def __init__(self) -> None:
        self.answered: list[Attempt] = []
        self.failing: list[Failing] = []

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the name is Temporal's)
        """Watch one activity."""
        return _Watch(next, self)


class _Watch(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, attempts: Attempts) -> None:
        super().__init__(inner)
        self.attempts = attempts

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the name is Temporal's)
        failing = self.attempts.failing.pop(0) if self.attempts.failing else None
        if failing is Failing.BEFORE:
            raise RuntimeError("the worker died before it had done anything")
        answer = await self.next.execute_activity(input)
        if not isinstance(answer, HeldBack):  # Nothing was decided: another attempt may act.
            self.attempts.answered.append(Attempt(input.fn, tuple(input.args), answer))
        if failing is Failing.AFTER:
            raise RuntimeError("the worker died before it could tell")
        return answer
