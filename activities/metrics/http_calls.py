"""Calls to sources over HTTP: to checked addresses, without redirects, within a deadline and a size."""

import json
import ssl
from base64 import b64encode
from typing import Any

import httpx
from pydantic import SecretStr

from activities.dns import Resolver
from activities.metrics.adapter import CannotTell, Deadline
from activities.providers.errors import ProviderUnavailable
from activities.providers.transport import ProviderTransport
from domain.metrics.source import MetricSource

LARGEST_ANSWER = 2**20
"""Bytes of an answer after which it is given up."""

_USER_AGENT = "Flaghoist-Metrics/1"


class HttpCalls:
    """Calls below the address of one source, with its credential."""

    def __init__(self, source: MetricSource, credential: SecretStr | None, resolver: Resolver, trusted: ssl.SSLContext) -> None:
        self.address = source.address.rstrip("/")
        self.resolver = resolver
        self.trusted = trusted
        self._headers = {"accept": "application/json", "user-agent": _USER_AGENT, **_authorization(source.username, credential)}

    def get(self, path: str, deadline: Deadline) -> httpx.Response:
        """Get a path and query below the address."""
        return self._send(httpx.Request("GET", f"{self.address}{path}", headers=self._headers), deadline)

    def post(self, path: str, form: dict[str, str], deadline: Deadline) -> httpx.Response:
        """Post a form to a path below the address."""
        return self._send(httpx.Request("POST", f"{self.address}{path}", headers=self._headers, data=form), deadline)

    def _send(self, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        transport = ProviderTransport(self.resolver, deadline.left(), self.trusted, LARGEST_ANSWER)
        try:
            return transport.handle_request(request)
        except ProviderUnavailable as error:
            deadline.left()
            raise CannotTell("source_down", str(error)) from None


def document_of(response: httpx.Response) -> Any:
    """Return the JSON document of a response, or raise CannotTell."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        raise CannotTell("source_refused", "The answer is not JSON.") from None


def check_answered(response: httpx.Response, detail: str = "") -> None:
    """Raise CannotTell unless the status is 2xx."""
    status = response.status_code
    if response.is_success:
        return
    said = f" It said: {detail}" if detail else ""
    if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
        raise CannotTell("source_down", f"The source answered with status {status}.{said}")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise CannotTell("source_refused", f"The source refused the credential, with status {status}.")
    if response.is_redirect:
        raise CannotTell("source_refused", f"The source redirects, with status {status}: use the final URL as the address.")
    raise CannotTell("source_refused", f"The source answered with status {status}.{said}")


def _authorization(username: str | None, credential: SecretStr | None) -> dict[str, str]:
    secret = credential.get_secret_value() if credential else ""
    if username:
        return {"authorization": f"Basic {b64encode(f'{username}:{secret}'.encode()).decode()}"}
    return {"authorization": f"Bearer {secret}"} if secret else {}
