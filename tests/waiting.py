"""Waiting for conditions.

A wait ends as soon as its condition holds. Its ceiling only ends a run that hangs, so it is generous enough for a busy machine.
No test measures speed by it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, TypeVar, overload

from temporalio.service import RPCError

T = TypeVar("T")

CEILING = 150.0
"""Seconds after which a wait fails. pytest's own limit per test is several times as long."""


def wait_for(what: str, condition: Callable[[], T | None], seconds: float = CEILING, interval: float = 0.1) -> T:
    """Return the first true value of the condition. Raise TimeoutError with `what` if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(interval)


@overload
async def wait_until(what: str, condition: Callable[[], Awaitable[T | None]], seconds: float = ..., interval: float = ...) -> T: ...


@overload
async def wait_until(what: str, condition: Callable[[], T | None], seconds: float = ..., interval: float = ...) -> T: ...


async def wait_until(what: str, condition: Callable[[], Any], seconds: float = CEILING, interval: float = 0.05) -> Any:
    """Do the same in a coroutine. What the condition returns may be awaitable. An error of Temporal's server counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        failure: Exception | None = None
        try:
            found = await asyncio.to_thread(condition)
            if value := (await found if isawaitable(found) else found):
                return value
        except RPCError as error:
            failure = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}") from failure
        await asyncio.sleep(interval)


def sleep_until(at: datetime) -> None:
    """Return once that time has passed by this machine's clock."""
    while (left := at - datetime.now(UTC)) > timedelta(0):
        time.sleep(left.total_seconds())
