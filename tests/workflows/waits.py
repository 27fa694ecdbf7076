"""Waits for a condition, with a limit that is generous enough for a busy machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

from temporalio.service import RPCError

T = TypeVar("T")

LIMIT = 90
"""In seconds."""


async def until(what: str, condition: Callable[[], Awaitable[T | None] | T | None], seconds: float = LIMIT, interval: float = 0.05) -> T:
    """Return the first result of the condition that is true. A server that does not answer counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        failure: Exception | None = None
        try:
            outcome = condition()
            result = await outcome if isawaitable(outcome) else outcome
            if result:
                return result
        except RPCError as error:
            failure = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}") from failure
        await asyncio.sleep(interval)
