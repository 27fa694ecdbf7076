"""How often a key may ask: a moving window, counted by this process."""

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class TooManyRequests(Exception):
    """A key has used up what it may ask in the window; `retry_after` is in seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.retry_after = retry_after


class RateLimit:
    """So many requests in so much time, for each key."""

    def __init__(self, limit: str) -> None:
        """Keep the limit, such as `600/minute`; none where it is empty."""
        self.limit = limit
        self._amount = parse(limit) if limit else None
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def check(self, key_id: str) -> None:
        """Count one request. Raises TooManyRequests, which itself doesn't count."""
        if self._amount is None or self._window.hit(self._amount, key_id):
            return
        freed_at = self._window.get_window_stats(self._amount, key_id).reset_time
        raise TooManyRequests(self.limit, max(1, math.ceil(freed_at - time.time())))
