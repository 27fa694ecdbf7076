"""Loaded first by a process with a skewed clock: replaces `time.sleep`, which fails under libfaketime.

Since Python 3.11, `time.sleep` waits until a time of the monotonic clock. If libfaketime leaves that clock alone, it rejects such a wait
as invalid (wolfcw/libfaketime#426, in Debian's 0.9.10). Every sleep would raise, which no skewed clock does.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: SupportsIndex | float, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
