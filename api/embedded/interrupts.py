"""Ctrl-C and other signals, turned into a flag that is checked at safe points."""

import signal
import time
from datetime import timedelta
from types import FrameType

from api.embedded.errors import Stopping

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """Records whether a signal asked this process to stop."""

    def __init__(self) -> None:
        self.received = False

    def listen(self) -> None:
        """From now on, record the signals that would end the process."""
        for number in SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # Started with nohup: the process must outlive its terminal.
            signal.signal(number, self._receive)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True

    def check(self) -> None:
        """Raise Stopping if a signal was received."""
        if self.received:
            raise Stopping

    def sleep(self, length: timedelta) -> None:
        """Sleep, and raise Stopping soon after a signal."""
        deadline = time.monotonic() + length.total_seconds()
        while (left := deadline - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.1))
        self.check()
