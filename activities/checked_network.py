"""Connections to checked addresses only, with one deadline for everything that is sent and received."""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from activities.dns import Resolver
from domain.webhooks.address import WebhookTarget

CONNECT_SECONDS = 5.0


class CheckedNetwork(httpcore.NetworkBackend):
    """A network that connects only to addresses that it resolved and checked itself. A later DNS answer can't replace them.

    TLS still verifies the host name, which httpcore takes from the URL.
    """

    def __init__(self, deadline: float, resolver: Resolver) -> None:
        self.deadline = deadline
        self.resolver = resolver
        self.network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (the signature is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that responds."""
        last_error: Exception = httpcore.ConnectError("no address")
        for address in self.resolver.resolve(WebhookTarget(host, port)):
            try:
                seconds = min(CONNECT_SECONDS, _seconds_left(self.deadline))
                stream = self.network.connect_tcp(str(address), port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last_error = error
            else:
                return _DeadlineStream(stream, self.deadline)
        raise last_error


class _DeadlineStream(httpcore.NetworkStream):
    """A connection with one deadline for all its operations, which a receiver can't extend by sending a byte now and then."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 (the signature is httpcore's)
        """Read the bytes that have arrived."""
        return self.stream.read(max_bytes, _seconds_left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 (the signature is httpcore's)
        """Write the whole buffer."""
        self.stream.write(buffer, _seconds_left(self.deadline))

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 (the signature is httpcore's)
    ) -> httpcore.NetworkStream:
        """Continue the connection over TLS."""
        return _DeadlineStream(self.stream.start_tls(ssl_context, server_hostname, _seconds_left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return a detail of the connection."""
        return self.stream.get_extra_info(info)


def _seconds_left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the attempt took too long")
    return seconds
