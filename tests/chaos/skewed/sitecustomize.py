"""What a process with a skewed clock loads first: libfaketime makes Python's own sleep fail, which no wrong clock does.

Since Python 3.11 `time.sleep` waits until a moment of the monotonic clock. Where libfaketime leaves that clock alone it refuses such
a wait as invalid (wolfcw/libfaketime#426; Debian has 0.9.10): every sleep would raise, and the fault would be another than was meant.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: SupportsIndex | float, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
