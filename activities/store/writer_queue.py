"""The queue of the threads that want to write to SQLite, which allows one writer at a time."""

import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue


class _Ticket:
    """A place in the queue, for as long as it is referenced. The oldest ticket has the turn."""


class WriterQueue:
    """Lets threads write one after another, in the order in which they asked.

    A turn can't be left taken: it ends when its ticket is no longer referenced, wherever an exception is raised into the thread. A lock
    could be acquired without a `finally` around it yet. Only calls into C change the queue, and no exception is raised within those.
    """

    def __init__(self) -> None:
        self._tickets: deque[weakref.ref[_Ticket]] = deque()

    @property
    def is_empty(self) -> bool:
        """True if nobody writes or waits."""
        return not self._tickets

    @contextmanager
    def turn(self, timeout: float) -> Iterator[None]:
        """Wait for the turn and keep it while the block lasts. After `timeout` seconds, begin without it: SQLite's lock decides then."""
        ticket = _Ticket()
        try:
            place = weakref.ref(ticket, self._tickets.remove)
            self._tickets.append(place)
            self._wait(place, time.monotonic() + timeout)
            yield
        finally:
            del ticket

    def _wait(self, place: weakref.ref[_Ticket], deadline: float) -> None:
        """Wait until no ticket is ahead. The frame of an exception may be kept for long, so this one does not reference the own ticket."""
        while (ahead := self._ahead_of(place)) and (left := deadline - time.monotonic()) > 0:
            gone: SimpleQueue[object] = SimpleQueue()
            notice = weakref.ref(ahead, gone.put)
            del ahead
            try:
                gone.get(timeout=left)
            except Empty:
                return
            del notice

    def _ahead_of(self, place: weakref.ref[_Ticket]) -> _Ticket | None:
        """Return the ticket before this place, or None if this place has the turn."""
        ahead = None
        for each in tuple(self._tickets):
            if each is place:
                break
            ahead = each() or ahead
        return ahead
