"""Answers of Flagsmith's Admin API: their documents, and the errors that they mean."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from activities.providers.errors import ProviderRejected, ProviderThrottled, ProviderUnauthorized, ProviderUnavailable
from activities.providers.retry_after import retry_after_of

LONGEST_MESSAGE = 500


def document_of(response: httpx.Response, key: SecretStr) -> Any:
    """Return the JSON document of a successful answer, or None if it has no body. Raises a ProviderError, which never has the key."""
    status = response.status_code
    if response.is_success:
        return _parsed(response) if response.content else None
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise ProviderThrottled(retry_after_of(response.headers.get("retry-after"), datetime.now(UTC)))
    if response.is_server_error:
        raise ProviderUnavailable(f"Flagsmith answered with status {status}.")
    if response.is_redirect:
        raise ProviderRejected(status, f"Flagsmith answered with status {status}, a redirect, which is not followed. Check the address.")
    message = _message(response, status).replace(key.get_secret_value(), str(key))
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise ProviderUnauthorized(message)
    raise ProviderRejected(status, message)


def _parsed(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise ProviderUnavailable("The answer is not valid JSON. Check that the address is that of Flagsmith's API.") from None


def _message(response: httpx.Response, status: int) -> str:
    """Return the sentences of an error. Those about the request are nested under the names of its fields."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    return (" ".join(_sentences(document)) or f"Flagsmith answered with status {status}.")[:LONGEST_MESSAGE]


def _sentences(document: Any) -> Iterator[str]:
    match document:
        case str():
            yield document
        case {"detail": str(detail)}:
            yield detail
        case dict():
            for field, errors in document.items():
                yield from (f"{field}: {each}" for each in _sentences(errors))
        case list():
            for each in document:
                yield from _sentences(each)
        case _:
            return
