"""The network between the product and Unleash, with one fault at a time."""

import threading
from collections.abc import Callable
from typing import NamedTuple

import httpx

from activities.providers.errors import ProviderUnavailable
from tests.unleash.shop import Died

DIES = "dies"
BROKEN = ("status 500", "status 429", "half an answer", "no answer")
"""The faults after which another attempt follows."""


class Fault(NamedTuple):
    """A fault before or after a call: the worker dies, the answer is broken, or somebody does something meanwhile.

    Calls are counted from the beginning of an attempt, without those that list features or segments now and then. Faults after a call
    are only those of writes: what comes after a read comes before the next call as well.
    """

    call: int
    before: bool
    what: str


class FaultyNetwork(httpx.BaseTransport):
    """A transport that calls `written` after each write, and `meanwhile` with the name of what somebody does."""

    def __init__(self, inner: httpx.BaseTransport, written: Callable[[], None], meanwhile: Callable[[str], None]) -> None:
        self.inner = inner
        self.written, self.meanwhile = written, meanwhile
        self.fault: Fault | None = None
        self.writes = 0
        self._calls = 0
        self._turn = threading.RLock()

    def break_next(self, fault: Fault | None) -> None:
        """Cause this fault in the attempt that begins now."""
        self.fault, self._calls = fault, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry out a call. Others wait meanwhile, so that the order of writes is known."""
        if "/features/" not in request.url.path:
            return self.inner.handle_request(request)
        with self._turn:
            self._calls += 1
            fault = self.fault if self.fault and self.fault.call == self._calls else None
            if fault and fault.before:
                self.fault = None
                if broken := self._strike(fault.what, None):
                    return broken
            answer = self.inner.handle_request(request)
            if request.method != "GET":
                self.writes += 1
                self.written()
            if fault and not fault.before and (request.method != "GET" or fault.what in BROKEN):
                self.fault = None
                return self._strike(fault.what, answer) or answer
            return answer

    def _strike(self, what: str, answer: httpx.Response | None) -> httpx.Response | None:
        """Return a broken answer, or None if the call goes on."""
        match what:
            case "dies":
                raise Died
            case "status 500":
                return httpx.Response(500)
            case "status 429":
                return httpx.Response(429, headers={"retry-after": "7"})
            case "half an answer":
                content = answer.content if answer else b'{"features": []}'
                return httpx.Response(200, content=content[: len(content) // 2] or b"{")
            case "no answer":
                raise ProviderUnavailable("No complete answer came within 8 s.")
            case _:
                self.meanwhile(what)
                return None
