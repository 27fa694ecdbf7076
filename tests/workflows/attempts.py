"""An interceptor that keeps attempts at activities from ending, so that a test can act while one of them runs."""

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from tests.waiting import CEILING


class HeldAttempts(Interceptor):
    """Holds each attempt at one activity: before it runs, or after it has committed and before it reports its result.

    Local attempts fail, so that a regular attempt follows. With `local`, they are held instead.
    """

    def __init__(self, activity: str = "change_flag", *, stage: str | None = None, after_commit: bool = False, local: bool = False) -> None:
        self.activity = activity
        self.stage = stage
        self.after_commit = after_commit
        self.local = local
        self._held = asyncio.Event()
        self._released = asyncio.Event()

    async def until_held(self) -> None:
        """Wait until an attempt is held."""
        await asyncio.wait_for(self._held.wait(), CEILING)

    def release(self) -> None:
        """Let this attempt and all later ones run."""
        self._released.set()

    def is_meant(self, call: ExecuteActivityInput) -> bool:
        """True if this attempt is to be held."""
        return call.fn.__name__ == self.activity and self.stage in (None, getattr(call.args[0], "stage", None))

    async def hold(self) -> None:
        """Hold an attempt."""
        self._held.set()
        await self._released.wait()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the name is Temporal's)
        """Intercept one activity."""
        return _HeldAttempt(next, self)


class _HeldAttempt(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, attempts: HeldAttempts) -> None:
        super().__init__(inner)
        self.attempts = attempts

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the name is Temporal's)
        if not self.attempts.is_meant(input):
            return await self.next.execute_activity(input)
        if activity.info().is_local and not self.attempts.local:
            raise RuntimeError("local attempts fail")
        if not self.attempts.after_commit:
            await self.attempts.hold()
        result = await self.next.execute_activity(input)
        if self.attempts.after_commit:
            await self.attempts.hold()
        return result
