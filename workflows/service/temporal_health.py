"""A cached health check of Temporal, shared by concurrent callers."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from domain.system import TemporalStatus
from workflows.policies import HEALTH_CACHE_TTL

REJECTION_TTL = 60.0
"""Seconds for which the last reason is repeated. A TLS server says it only on some attempts: the end of the connection can overtake it."""


class TemporalHealth:
    """The health of Temporal, at most some seconds old. Concurrent callers share one check."""

    def __init__(self, check: Callable[[], Awaitable[TemporalStatus]], ttl: float = HEALTH_CACHE_TTL.total_seconds()) -> None:
        """Attach to the running event loop. `check` should answer within about a second; `ttl` is in seconds."""
        self._check = check
        self._ttl = ttl
        self._loop = asyncio.get_running_loop()
        self._checking: asyncio.Task[TemporalStatus] | None = None
        self._checked_at = 0.0
        self._rejection: str | None = None
        self._rejected_at = 0.0

    async def get(self) -> TemporalStatus:
        """Return the cached status, or check now if it has expired."""
        if self._checking is None or (self._checking.done() and time.monotonic() - self._checked_at > self._ttl):
            self._checking = asyncio.create_task(self._refresh())
        return await asyncio.shield(self._checking)

    def get_from_thread(self) -> TemporalStatus:
        """Return the same from a thread, which blocks until the status is known."""
        return asyncio.run_coroutine_threadsafe(self.get(), self._loop).result()

    async def _refresh(self) -> TemporalStatus:
        status = await self._check()
        self._checked_at = time.monotonic()
        if status.reachable or status.rejection:
            self._rejection, self._rejected_at = status.rejection, self._checked_at
        elif self._checked_at - self._rejected_at < REJECTION_TTL:
            return status.model_copy(update={"rejection": self._rejection})
        return status
