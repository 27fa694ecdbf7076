"""Ctrl-C and its like, turned into a question that is asked at safe places."""

import signal
import time
from datetime import timedelta
from types import FrameType

from api.embedded.errors import Stopping

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """Whether somebody has told us to stop."""

    def __init__(self) -> None:
        self.told = False

    def listen(self) -> None:
        """From now on the signals that end a process only tell."""
        for number in SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # Started with nohup: it is to outlive its terminal.
            signal.signal(number, self._tell)

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self.told = True

    def check(self) -> None:
        """Raise Stopping if told."""
        if self.told:
            raise Stopping

    def pause(self, length: timedelta) -> None:
        """Sleep, with an ear open. Raises Stopping."""
        until = time.monotonic() + length.total_seconds()
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.1))
        self.check()
