"""HTTP posts of webhook documents: to the address that was checked, without redirects, within a time limit."""

import ssl
import time

import httpcore

from activities.checked_network import CheckedNetwork
from activities.dns import Lookup, Resolver, look_up
from activities.tracing import http_span
from domain.errors import AddressRefused
from domain.webhooks.address import target_of
from domain.webhooks.webhook import Attempt, Failure, attempt_answered

TIMEOUT_SECONDS = 10.0
"""The limit for one whole attempt, even if the receiver keeps sending."""

_HEADERS = {"content-type": "application/json", "user-agent": "Flaghoist-Webhooks/1", "connection": "close"}
_FAILURES: dict[type[Exception], Failure] = {
    AddressRefused: Failure.ADDRESS_REFUSED,
    httpcore.TimeoutException: Failure.TIMED_OUT,
    httpcore.NetworkError: Failure.UNREACHABLE,
    httpcore.ProtocolError: Failure.NOT_UNDERSTOOD,
}


class HttpPoster:
    """A poster of documents. It reads only the status of a response, so a receiver can neither fill our memory nor redirect us."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        seconds: float = TIMEOUT_SECONDS,
        lookup: Lookup = look_up,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.resolver = Resolver(lookup, allow_private=allow_private)
        self.seconds = seconds
        self.trusted = trusted or httpcore.default_ssl_context()

    def post(self, url: str, headers: dict[str, str], body: str) -> Attempt:
        """Make one attempt. An error becomes the attempt's failure code, because its message may quote a secret."""
        backend = CheckedNetwork(time.monotonic() + self.seconds, self.resolver)
        try:
            target = target_of(url, allow_private=self.resolver.allow_private)
            with (
                http_span("POST", target.host) as answered,
                httpcore.ConnectionPool(network_backend=backend, ssl_context=self.trusted) as pool,
                pool.stream("POST", url, headers=list((_HEADERS | headers).items()), content=body.encode()) as response,
            ):
                answered(response.status)
                return attempt_answered(response.status)
        except tuple(_FAILURES) as error:
            return Attempt(failure=_failure_of(error))


def _failure_of(error: Exception) -> Failure:
    if any(isinstance(reason, ssl.SSLError) for reason in error.args) and not isinstance(error, httpcore.TimeoutException):
        return Failure.TLS_FAILED
    return next(failure for kind, failure in _FAILURES.items() if isinstance(error, kind))
