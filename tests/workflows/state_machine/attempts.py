"""Records the calls and results of a worker's activities, and makes attempts fail before or after they commit."""

from enum import StrEnum
from typing import Any, NamedTuple

from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.messages import HeldBack


class FailurePoint(StrEnum):
    """The moment at which an attempt fails: before it has written anything, or after it has committed but before it has reported."""

    BEFORE = "before"
    AFTER = "after"


class Attempt(NamedTuple):
    """A completed call of an activity."""

    activity: Any
    arguments: tuple[Any, ...]
    result: Any

    def repeat(self) -> Any:
        """Return the result of a second attempt, made as if the worker had died before it reported the first."""
        return ActivityEnvironment().run(self.activity, *self.arguments)


class Attempts(Interceptor):
    """Intercepts a worker's activities."""

    def __init__(self) -> None:
        self.completed: list[Attempt] = []
        self.failing: list[FailurePoint] = []

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the name is Temporal's)
        """Intercept one activity."""
        return _Interceptor(next, self)


class _Interceptor(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, attempts: Attempts) -> None:
        super().__init__(inner)
        self.attempts = attempts

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the name is Temporal's)
        failure = self.attempts.failing.pop(0) if self.attempts.failing else None
        if failure is FailurePoint.BEFORE:
            raise RuntimeError("the worker died before it had done anything")
        result = await self.next.execute_activity(input)
        if not isinstance(result, HeldBack):  # Nothing was decided, so another attempt may act.
            self.attempts.completed.append(Attempt(input.fn, tuple(input.args), result))
        if failure is FailurePoint.AFTER:
            raise RuntimeError("the worker died before it could report")
        return result
