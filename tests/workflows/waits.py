"""Waits for answers of a Temporal server, which may be slow on a busy machine."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.service import RPCError

from tests.waiting import until

T = TypeVar("T")


async def until_answer(what: str, condition: Callable[[], Awaitable[T | None]], interval: float = 0.05) -> T:
    """Return the first true result of the condition. An error of the server counts as not yet."""

    async def answer() -> T | None:
        try:
            return await condition()
        except RPCError:
            return None

    return await until(what, answer, interval=interval)
