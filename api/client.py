"""The HTTP API, as our own terminal commands call it."""

from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Unreachable(Exception):
    """Nobody answers at the API's address."""


class BrokenOff(Unreachable):
    """The API took the request, and its answer never came in whole."""


class ProblemAt(NamedTuple):
    """One thing that is wrong, with where it is in what was sent."""

    pointer: str
    message: str


class Refused(Exception):
    """The API answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, detail: str, problems: tuple[ProblemAt, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = problems


class ApiClient:
    """The API at an address, with a key. Every call raises Refused or Unreachable."""

    def __init__(self, address: str, key: str, timeout: float = 30) -> None:
        self.address = address.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=f"{self.address}/api/v1", headers=headers, timeout=timeout, trust_env=not is_local(address))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """What a GET answers; parameters that are None are left out."""
        return self._request("GET", path, params={name: value for name, value in params.items() if value is not None})

    def get_with_etag(self, path: str) -> tuple[Any, str | None]:
        """What a GET answers, and its ETag where it has one."""
        answer = self._answer("GET", path)
        return self._body(answer), answer.headers.get("ETag")

    def post(self, path: str, body: Any = None, etag: str | None = None) -> Any:
        """What a POST answers; with an ETag, only if what is there is still the same.

        Where the answer broke off it is sent once more; by its Idempotency-Key it is carried out once all the same.
        """
        headers = {"Idempotency-Key": uuid4().hex} | ({"If-Match": etag} if etag else {})
        try:
            return self._request("POST", path, json=body, headers=headers)
        except BrokenOff:
            return self._request("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Any, etag: str | None = None) -> Any:
        """What a PUT answers; with an ETag, only if what is there is still the same."""
        return self._request("PUT", path, json=body, headers={"If-Match": etag} if etag else {})

    def patch(self, path: str, body: Any) -> Any:
        """What a PATCH answers."""
        return self._request("PATCH", path, json=body)

    def delete(self, path: str, etag: str | None = None) -> None:
        """Delete what is there; with an ETag, only if it is still the same."""
        self._request("DELETE", path, headers={"If-Match": etag} if etag else {})

    def stream(self, path: str, accept: str, **params: Any) -> Iterator[bytes]:
        """What a GET answers in that media type, as it comes in; it is whole only if nothing is raised."""
        begun = False
        try:
            with self._http.stream("GET", path, params=params, headers={"Accept": accept}) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refused(answer)
                if answer.headers.get("Content-Type", "").partition(";")[0] != accept:
                    raise self._stranger()
                for part in answer.iter_bytes():
                    begun = True
                    yield part
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise self._silent(error, begun=begun) from error

    def items(self, path: str, **params: Any) -> Iterator[Any]:
        """Everything in a list, page by page, as far as the caller reads on."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            if not isinstance(page, dict) or not page.keys() >= {"items", "next"}:
                raise self._stranger()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _request(self, method: str, path: str, **options: Any) -> Any:
        return self._body(self._answer(method, path, **options))

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            raise self._silent(error, begun=True) from error
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise self._silent(error) from error
        if not answer.is_success:
            raise _refused(answer)
        return answer

    def _body(self, answer: httpx.Response) -> Any:
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise self._stranger() from error

    def _silent(self, error: Exception, *, begun: bool = False) -> Unreachable:
        if begun:
            return BrokenOff(f"The answer of {self.address} broke off: {error}")
        return Unreachable(f"Nobody answers at {self.address}: {error}")

    def _stranger(self) -> Unreachable:
        return Unreachable(f"What answers at {self.address} is not Flaghoist's API")


def is_local(address: str) -> bool:
    """Whether the address is on this machine, where no proxy is asked and the embedded stack's key is good."""
    try:
        return urlsplit(address).hostname in LOCAL
    except ValueError:
        return False


def first(limit: int, items: Iterator[Any]) -> list[Any]:
    """The first so many of a list; no page is asked for beyond them."""
    return list(islice(items, limit))


def path_of(*parts: str) -> str:
    """A path of these parts, whatever people typed in them."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _refused(answer: httpx.Response) -> Refused:
    try:
        body = answer.json()
        problems = tuple(ProblemAt(each.get("pointer", ""), each.get("message", "")) for each in body.get("errors", []))
        return Refused(answer.status_code, body["detail"], problems)
    except (ValueError, KeyError, AttributeError, TypeError):
        return Refused(answer.status_code, f"{answer.status_code} {answer.reason_phrase}")
