"""A client of the HTTP API, for the terminal and the embedded stack."""

from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Unreachable(Exception):
    """Nothing responds at the API's address."""


class ResponseInterrupted(Unreachable):
    """The request was sent, and the connection closed before the complete response arrived."""


class Problem(NamedTuple):
    """One problem in a request, with the JSON pointer to the field."""

    pointer: str
    message: str


class Refused(Exception):
    """The API answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, detail: str, problems: tuple[Problem, ...] = (), code: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.problems = problems


class ApiClient:
    """The API at an address, with a key. Every call raises Refused or Unreachable."""

    def __init__(self, address: str, key: str, timeout: float = 30) -> None:
        self.address = address.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.address}/api/v1",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=timeout,
            trust_env=not is_local(address),
            verify=not self.address.startswith("http://"),  # Plain HTTP needs no certificates, and loading them takes a while.
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return the response to a GET. Parameters that are None are left out."""
        return self._request("GET", path, params={name: value for name, value in params.items() if value is not None})

    def get_with_etag(self, path: str) -> tuple[Any, str | None]:
        """Return the response to a GET, and its ETag if it has one."""
        response = self._send("GET", path)
        return self._body(response), response.headers.get("ETag")

    def post(self, path: str, body: Any = None, etag: str | None = None) -> Any:
        """Return the response to a POST. With an ETag, it has an effect only if the resource is unchanged.

        If the response is interrupted, send the request again. Its Idempotency-Key keeps the API from executing it twice.
        """
        headers = {"Idempotency-Key": uuid4().hex} | ({"If-Match": etag} if etag else {})
        try:
            return self._request("POST", path, json=body, headers=headers)
        except ResponseInterrupted:
            return self._request("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Any, etag: str | None = None) -> Any:
        """Return the response to a PUT. With an ETag, it has an effect only if the resource is unchanged."""
        return self._request("PUT", path, json=body, headers={"If-Match": etag} if etag else {})

    def patch(self, path: str, body: Any, etag: str | None = None) -> Any:
        """Return the response to a PATCH. With an ETag, it has an effect only if the resource is unchanged."""
        return self._request("PATCH", path, json=body, headers={"If-Match": etag} if etag else {})

    def delete(self, path: str, etag: str | None = None) -> None:
        """Delete a resource. With an ETag, only if it is unchanged."""
        self._request("DELETE", path, headers={"If-Match": etag} if etag else {})

    def stream(self, path: str, accept: str, **params: Any) -> Iterator[bytes]:
        """Yield the response to a GET in this media type, as it arrives. The response is complete if no exception is raised."""
        started = False
        try:
            with self._http.stream("GET", path, params=params, headers={"Accept": accept}) as response:
                if not response.is_success:
                    response.read()
                    raise _refused(response)
                if response.headers.get("Content-Type", "").partition(";")[0] != accept:
                    raise self._not_flaghoist()
                for part in response.iter_bytes():
                    started = True
                    yield part
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(error, started=started) from error

    def items(self, path: str, **params: Any) -> Iterator[Any]:
        """Yield the items of a list. Each page is requested when the caller gets to it."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            if not isinstance(page, dict) or not page.keys() >= {"items", "next"}:
                raise self._not_flaghoist()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _request(self, method: str, path: str, **options: Any) -> Any:
        return self._body(self._send(method, path, **options))

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            raise self._unreachable(error, started=True) from error
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _refused(response)
        return response

    def _body(self, response: httpx.Response) -> Any:
        try:
            return response.json() if response.content else None
        except ValueError as error:
            raise self._not_flaghoist() from error

    def _unreachable(self, error: Exception, *, started: bool = False) -> Unreachable:
        if started:
            return ResponseInterrupted(f"The response from {self.address} was interrupted: {error}")
        return Unreachable(f"No response from {self.address}: {error}")

    def _not_flaghoist(self) -> Unreachable:
        return Unreachable(f"The server at {self.address} is not Flaghoist's API")


def is_local(address: str) -> bool:
    """True if the address is on this machine. Calls to it bypass proxies and may use the embedded stack's key."""
    try:
        return urlsplit(address).hostname in LOCAL
    except ValueError:
        return False


def first(limit: int, items: Iterator[Any]) -> list[Any]:
    """Return the first items of a list, without requesting pages beyond them."""
    return list(islice(items, limit))


def path_of(*parts: str) -> str:
    """Return a path with these segments, each escaped."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _refused(response: httpx.Response) -> Refused:
    try:
        body = response.json()
        problems = tuple(Problem(each.get("pointer", ""), each.get("message", "")) for each in body.get("errors", []))
        return Refused(response.status_code, body["detail"], problems, body.get("code", ""))
    except (ValueError, KeyError, AttributeError, TypeError):
        return Refused(response.status_code, f"{response.status_code} {response.reason_phrase}")
