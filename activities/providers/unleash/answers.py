"""Answers of Unleash's Admin API: their documents, and the errors that they mean."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from activities.providers.errors import ProviderRejected, ProviderThrottled, ProviderUnauthorized, ProviderUnavailable
from activities.providers.retry_after import retry_after_of

LONGEST_MESSAGE = 500


def document_of(response: httpx.Response, token: SecretStr) -> Any:
    """Return the JSON document of a successful answer, or None if it has no body. Raises a ProviderError, which never has the token."""
    status = response.status_code
    if response.is_success:
        return _parsed(response) if response.content else None
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise ProviderThrottled(retry_after_of(response.headers.get("retry-after"), datetime.now(UTC)))
    if response.is_server_error:
        raise ProviderUnavailable(f"Unleash answered with status {status}.")
    if response.is_redirect:
        raise ProviderRejected(status, f"Unleash answered with status {status}, a redirect, which is not followed. Check the address.")
    error = _error(response)
    message = _message(error, status).replace(token.get_secret_value(), str(token))
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise ProviderUnauthorized(message, tuple(map(str, error.get("permissions") or ())))
    raise ProviderRejected(status, message)


def _parsed(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise ProviderUnavailable("The answer is not valid JSON. Check that the address is that of Unleash.") from None


def _error(response: httpx.Response) -> Mapping[str, Any]:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _message(error: Mapping[str, Any], status: int) -> str:
    """Return the server's details if there are some, because its message may only refer to them."""
    details = [str(each["message"]) for each in error.get("details") or () if isinstance(each, dict) and each.get("message")]
    return (" ".join(details) or str(error.get("message") or f"Unleash answered with status {status}."))[:LONGEST_MESSAGE]
