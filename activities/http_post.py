"""Sending a webhook's document: to the very address that was checked, without following redirects, within a few seconds."""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from activities.dns import Lookup, Resolver, look_up
from domain.errors import AddressRefused
from domain.webhooks.address import WebhookTarget, target_of
from domain.webhooks.webhook import Attempt, Failure, attempt_answered

SECONDS = 10.0
"""How long one attempt may take in all, whatever the receiver does meanwhile."""
CONNECT_SECONDS = 5.0

_HEADERS = {"content-type": "application/json", "user-agent": "Flaghoist-Webhooks/1", "connection": "close"}
_FAILURES: dict[type[Exception], Failure] = {
    AddressRefused: Failure.ADDRESS_REFUSED,
    httpcore.TimeoutException: Failure.TIMED_OUT,
    httpcore.NetworkError: Failure.UNREACHABLE,
    httpcore.ProtocolError: Failure.NOT_UNDERSTOOD,
}


class HttpPoster:
    """Posts documents. Of an answer only the status is read: a receiver can't make us hold what it sends, nor tell us where else to go."""

    def __init__(
        self, *, allow_private: bool = False, seconds: float = SECONDS, lookup: Lookup = look_up, trusted: ssl.SSLContext | None = None
    ) -> None:
        self.names = Resolver(lookup, allow_private=allow_private)
        self.seconds = seconds
        self.trusted = trusted or httpcore.default_ssl_context()

    def post(self, url: str, headers: dict[str, str], body: str) -> Attempt:
        """One attempt. Whatever goes wrong is an outcome, told by a word: the error itself may quote what is secret."""
        backend = _CheckedNetwork(time.monotonic() + self.seconds, self.names)
        try:
            target_of(url, allow_private=self.names.allow_private)
            with (
                httpcore.ConnectionPool(network_backend=backend, ssl_context=self.trusted) as pool,
                pool.stream("POST", url, headers=list((_HEADERS | headers).items()), content=body.encode()) as answer,
            ):
                return attempt_answered(answer.status)
        except tuple(_FAILURES) as error:
            return Attempt(failure=_failure_of(error))


def _failure_of(error: Exception) -> Failure:
    if any(isinstance(reason, ssl.SSLError) for reason in error.args) and not isinstance(error, httpcore.TimeoutException):
        return Failure.TLS_FAILED
    return next(failure for kind, failure in _FAILURES.items() if isinstance(error, kind))


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to an address that was resolved and checked here: a second answer of the name server can't be another one.

    TLS still proves the host's name, which httpcore takes from the URL.
    """

    def __init__(self, deadline: float, names: Resolver) -> None:
        self.deadline = deadline
        self.names = names
        self.network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (the signature is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        failed: Exception = httpcore.ConnectError("no address")
        for address in self.names.resolve(WebhookTarget(host, port)):
            try:
                left = min(CONNECT_SECONDS, _left(self.deadline))
                stream = self.network.connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _HurriedStream(stream, self.deadline)
        raise failed


class _HurriedStream(httpcore.NetworkStream):
    """A connection on which everything together ends at a deadline: one byte now and then doesn't stretch it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 (the signature is httpcore's)
        """Read what has come."""
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 (the signature is httpcore's)
        """Write all of it."""
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        """Let go of the connection."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 (the signature is httpcore's)
    ) -> httpcore.NetworkStream:
        """Go on encrypted."""
        return _HurriedStream(self.stream.start_tls(ssl_context, server_hostname, _left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        """What the connection tells of itself."""
        return self.stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the attempt took too long")
    return left
