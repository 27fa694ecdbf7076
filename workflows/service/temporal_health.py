"""Asking Temporal how things are, seldom and briefly, however many want to know."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from domain.system import TemporalStatus
from workflows.policies import KEPT


class TemporalHealth:
    """What Temporal told within the last seconds; those who ask at once share one look."""

    def __init__(self, look: Callable[[], Awaitable[TemporalStatus]], kept: float = KEPT.total_seconds()) -> None:
        """Belong to the running event loop; `look` answers within about a second, and `kept` is in seconds."""
        self._look = look
        self._kept = kept
        self._loop = asyncio.get_running_loop()
        self._looking: asyncio.Task[TemporalStatus] | None = None
        self._looked_at = 0.0

    async def ask(self) -> TemporalStatus:
        """What Temporal told last, or tells now."""
        if self._looking is None or (self._looking.done() and time.monotonic() - self._looked_at > self._kept):
            self._looking = asyncio.create_task(self._take_a_look())
        return await asyncio.shield(self._looking)

    def ask_from_thread(self) -> TemporalStatus:
        """The same, for a thread that may wait so long."""
        return asyncio.run_coroutine_threadsafe(self.ask(), self._loop).result()

    async def _take_a_look(self) -> TemporalStatus:
        told = await self._look()
        self._looked_at = time.monotonic()
        return told
