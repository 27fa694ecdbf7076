"""Waits for a condition, with a limit that is generous enough for a busy machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.service import RPCError

T = TypeVar("T")

LIMIT = 90
"""In seconds."""


async def until(what: str, condition: Callable[[], T | None], interval: float = 0.05) -> T:
    """Return the first result of a function that is true."""

    async def awaitable() -> T | None:
        return condition()

    return await until_async(what, awaitable, interval)


async def until_async(what: str, condition: Callable[[], Awaitable[T | None]], interval: float = 0.05) -> T:
    """Return the first result of a coroutine function that is true. An error of the server counts as not yet."""
    deadline = time.monotonic() + LIMIT
    while True:
        failure: Exception | None = None
        try:
            if result := await condition():
                return result
        except RPCError as error:
            failure = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {LIMIT} s for {what}") from failure
        await asyncio.sleep(interval)
