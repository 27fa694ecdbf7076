"""Answers that a broken server, a proxy or an attacker gives instead of Unleash."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from threading import Event

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.errors import ProviderError, ProviderRejected, ProviderThrottled, ProviderUnauthorized, ProviderUnavailable
from activities.providers.retry_after import retry_after_of
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.answers import LONGEST_MESSAGE
from tests.ports import free_port
from tests.receiver import Receiver, answering, receiving
from tests.unleash.conftest import Connect
from tests.waiting import CEILING

TOKEN = "*:*.top-secret"  # noqa: S105 (of no server)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def api(server: Receiver, connect: Connect) -> UnleashAdminApi:
    return connect(server.url(""), TOKEN)


def answering_with(body: bytes, status: int = 200, promised: int | None = None) -> Answer:
    """Return a function that answers with that body, which may be shorter than promised."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body) if promised is None else promised))
        request.end_headers()
        request.wfile.write(body)

    return answer


def hanging_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def sending_nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def dripping(request: BaseHTTPRequestHandler) -> None:
    """Send a header without an end, byte by byte, until the caller hangs up."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        request.wfile.write(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "answer",
    [
        answering(500),
        answering(503),
        answering_with(b'{"message": "no"}', 502),
        answering_with(b'{"segments": [', promised=5_000),
        answering_with(b'{"segments": ['),
        answering_with(b"<html>Sign in</html>"),
        answering_with(b"\xff\xfe"),
        answering_with(b"[" * 100_000),
        answering_with(b"[]"),
        answering_with(b"null"),
        answering_with(b""),
        answering_with(b'{"segments": null}'),
        answering_with(b'{"segments": [{"id": "one"}]}'),
        hanging_up,
        sending_nonsense,
    ],
)
def test_unusable_answer_is_unavailable(server: Receiver, api: UnleashAdminApi, answer: Answer) -> None:
    server.answer = answer

    with pytest.raises(ProviderUnavailable):
        api.segments()


def test_nothing_at_the_address_is_unavailable(connect: Connect) -> None:
    with pytest.raises(ProviderUnavailable, match="The connection failed"):
        connect(f"http://127.0.0.1:{free_port()}", TOKEN).segments()


def test_server_that_never_answers_is_unavailable_before_the_attempt_ends(server: Receiver, connect: Connect) -> None:
    released = Event()

    def wait(request: BaseHTTPRequestHandler) -> None:
        released.wait(CEILING)

    server.answer = wait

    with pytest.raises(ProviderUnavailable, match=r"within 0\.9 s"):
        connect(server.url(""), TOKEN, attempt_seconds=1).segments()
    released.set()


def test_server_that_keeps_sending_can_not_extend_the_time_limit(server: Receiver, connect: Connect) -> None:
    server.answer = dripping

    with pytest.raises(ProviderUnavailable, match=r"within 0\.9 s"):
        connect(server.url(""), TOKEN, attempt_seconds=1).segments()


def test_answer_that_is_too_long_is_given_up(server: Receiver, api: UnleashAdminApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api._client._transport, "largest", 10)
    server.answer = answering_with(b'{"segments": []}')

    with pytest.raises(ProviderUnavailable, match="more than 10 bytes"):
        api.segments()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_rejected_and_not_followed(server: Receiver, api: UnleashAdminApi, status: int) -> None:
    with receiving() as elsewhere:
        server.answer = answering(status, Location=elsewhere.url("/"))
        with pytest.raises(ProviderRejected, match="redirect") as rejected:
            api.segments()

    assert rejected.value.status == status
    assert elsewhere.received == []


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "7"}, 7), ({}, None)])
def test_too_many_requests_are_throttled(server: Receiver, api: UnleashAdminApi, header: dict[str, str], seconds: int | None) -> None:
    server.answer = answering(429, **header)

    with pytest.raises(ProviderThrottled) as throttled:
        api.segments()

    assert throttled.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        ("Sat, 28 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Saturday, 28-Nov-26 12:00:30 GMT", timedelta(seconds=30)),
        ("Sat, 28 Nov 2026 12:00:30 -0000", timedelta(seconds=30)),
        ("Sat, 28 Nov 2026 11:00:00 GMT", timedelta(0)),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, expected: timedelta | None) -> None:
    assert retry_after_of(header, NOW) == expected


@pytest.mark.parametrize(("status", "kind"), [(400, ProviderRejected), (401, ProviderUnauthorized), (403, ProviderUnauthorized)])
def test_refusal_of_a_proxy_needs_no_document(server: Receiver, api: UnleashAdminApi, status: int, kind: type[ProviderError]) -> None:
    for body in (b"<html>", b"[]", b'{"details": [7], "permissions": null}'):
        server.answer = answering_with(body, status)
        with pytest.raises(kind, match=f"status {status}"):
            api.segments()


def test_long_message_is_cut(server: Receiver, api: UnleashAdminApi) -> None:
    server.answer = answering_with(b'{"message": "' + b"x" * 5_000 + b'"}', 400)

    with pytest.raises(ProviderRejected) as rejected:
        api.segments()

    assert rejected.value.message == "x" * LONGEST_MESSAGE


@pytest.mark.parametrize("status", [400, 403])
def test_token_is_never_in_an_error_a_repr_or_the_log(
    server: Receiver, api: UnleashAdminApi, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = answering_with(f'{{"message": "token {TOKEN} is bad"}}'.encode(), status)

    with pytest.raises(ProviderError, match="is bad") as error:
        api.segments()

    shown = [str(error.value), repr(error.value), repr(api), repr(vars(api)), caplog.text]
    assert [each for each in shown if TOKEN in each] == []


@pytest.mark.parametrize("token", ["a\nb", "a\r\nx-other: 1", "tökén"])
def test_token_that_is_no_header_is_unauthorized_without_being_shown(token: str, connect: Connect) -> None:
    with pytest.raises(ProviderUnauthorized) as error:
        connect("http://127.0.0.1", token)

    assert token not in str(error.value)


def test_token_is_not_sent_to_a_private_address_or_without_tls_unless_that_is_allowed(server: Receiver) -> None:
    for scheme, objection in (("http", "scheme must be https"), ("https", "private")):
        api = UnleashAdminApi(server.url("", scheme), SecretStr(TOKEN), attempt_seconds=60, resolver=Resolver(allow_private=False))
        with pytest.raises(ProviderUnavailable, match=objection):
            api.segments()

    assert server.received == []
