"""Waiting for conditions.

A wait ends as soon as its condition holds. Its ceiling only ends a run that hangs, so it is generous enough for a busy machine.
No test measures speed by it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import TypeVar

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


async def until(what: str, condition: Callable[[], T | Awaitable[T | None] | None], seconds: float = CEILING, interval: float = 0.05) -> T:
    """Do the same in a coroutine. The condition is called on a thread, and what it returns may be awaitable."""
    deadline = time.monotonic() + seconds
    while True:
        found = await asyncio.to_thread(condition)
        if value := (await found if isawaitable(found) else found):
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        await asyncio.sleep(interval)


def sleep_until(at: datetime) -> None:
    """Return once that time has passed by this machine's clock."""
    while (left := at - datetime.now(UTC)) > timedelta(0):
        time.sleep(left.total_seconds())
