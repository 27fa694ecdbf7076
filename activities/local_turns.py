"""Turns for local attempts at changes, so that controls and holds find a free slot although changes wait for the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

PATIENCE_SECONDS = 0.5
"""The wait for a turn. Usually a change takes hundredths of a second."""


class LocalTurns:
    """A number of turns. Once a wait for one was in vain, nobody waits until a turn has ended well."""

    def __init__(self, turns: int) -> None:
        self._free = threading.BoundedSemaphore(turns)
        self._are_stalled = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Take a turn. Raises ApplicationError if there is none: a regular attempt then follows, in slots of its own."""
        if not self._free.acquire(timeout=0 if self._are_stalled else PATIENCE_SECONDS):
            self._are_stalled = True
            raise ApplicationError("Other changes take too long.", category=ApplicationErrorCategory.BENIGN)
        try:
            yield
            self._are_stalled = False
        finally:
            self._free.release()
