"""HTTP to flag systems: to checked addresses, without redirects, with one time limit for each whole call."""

import ssl
import time

import httpcore
import httpx

from activities.checked_network import CheckedNetwork
from activities.dns import Resolver
from activities.providers.errors import ProviderUnavailable
from activities.tracing import http_span
from domain.errors import AddressRefused
from domain.webhooks.address import target_of

LARGEST_ANSWER = 32 * 2**20
"""Bytes of an answer after which it is given up."""


class ProviderTransport(httpx.BaseTransport):
    """A transport that gives each request a connection and `seconds` of its own. Threads may share it.

    httpx limits each read, so a server that sends a byte now and then could keep a call going forever.
    """

    def __init__(self, resolver: Resolver, seconds: float, trusted: ssl.SSLContext | None = None, largest: int = LARGEST_ANSWER) -> None:
        self.resolver = resolver
        self.seconds = seconds
        self.largest = largest
        self.trusted = trusted or httpcore.default_ssl_context()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer. Raises ProviderUnavailable, without the cause, because that may quote a credential."""
        network = CheckedNetwork(time.monotonic() + self.seconds, self.resolver)
        try:
            target = target_of(str(request.url), allow_private=self.resolver.allow_private)
            with (
                http_span(request.method, target.host) as answered,
                httpcore.ConnectionPool(network_backend=network, ssl_context=self.trusted) as pool,
            ):
                answer = _answer(pool, request, self.largest)
                answered(answer.status_code)
                return answer
        except AddressRefused as refusal:
            raise ProviderUnavailable(str(refusal)) from None
        except httpcore.TimeoutException:
            raise ProviderUnavailable(f"No complete answer came within {self.seconds:g} s.") from None
        except httpcore.NetworkError:
            raise ProviderUnavailable("The connection failed.") from None
        except httpcore.ProtocolError:
            raise ProviderUnavailable("The answer is incomplete, or is not HTTP.") from None


def _answer(pool: httpcore.ConnectionPool, request: httpx.Request, largest: int) -> httpx.Response:
    url, body = request.url, bytearray()
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    with pool.stream(request.method, target, headers=request.headers.raw, content=request.read()) as response:
        for part in response.iter_stream():
            body += part
            if len(body) > largest:
                raise ProviderUnavailable(f"The answer has more than {largest} bytes.")
        return httpx.Response(response.status, headers=response.headers, content=bytes(body))
