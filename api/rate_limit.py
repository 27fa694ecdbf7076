"""Rate limiting by API key: a moving window, counted in this process."""

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class TooManyRequests(Exception):
    """An API key exceeded its limit. `retry_after` is in seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.retry_after = retry_after


class RateLimit:
    """A maximum number of requests in a period, for each API key."""

    def __init__(self, limit: str) -> None:
        """Set the limit, such as `600/minute`. An empty one is no limit."""
        self.limit = limit
        self._amount = parse(limit) if limit else None
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def check(self, key_id: str, *, counts: bool = True) -> None:
        """Count one request, or only test if it would be possible. Raises TooManyRequests; a rejected request is not counted."""
        if self._amount is None or (self._window.hit if counts else self._window.test)(self._amount, key_id):
            return
        freed_at = self._window.get_window_stats(self._amount, key_id).reset_time
        raise TooManyRequests(self.limit, max(1, math.ceil(freed_at - time.time())))
