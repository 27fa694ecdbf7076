"""HTTP posts: to the checked address only, within the timeout, with a failure code."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

import pytest
import trustme

from activities.http_post import HttpPoster
from domain.webhooks.webhook import Attempt, Failure
from tests.ports import free_port
from tests.receiver import Receiver, answering, receiving
from tests.waiting import CEILING


class Names:
    """A name server that returns its answers in turn, and then repeats the last one."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        """Return the next answer."""
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _post(url: str, poster: HttpPoster | None = None) -> Attempt:
    return (poster or HttpPoster(allow_private=True)).post(url, {"webhook-id": "d"}, '{"type": "stage.acted"}')


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield the URL of a server that calls `serve` with its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                while not connection.recv(65_536).endswith(b"}"):
                    pass  # Closing a connection before everything is read would reset it.
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(CEILING)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver over plain HTTP."""
    with receiving() as receiver:
        yield receiver


def test_document_is_posted_unchanged_with_its_headers(receiver: Receiver) -> None:
    assert _post(receiver.url("/hook?team=checkout")) == Attempt(status=204)

    [received] = receiver.received
    assert (received.path, received.body) == ("/hook?team=checkout", b'{"type": "stage.acted"}')
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.id == "d"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_a_loopback_address_fails_and_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as inside:
        receiver.answer = answering(status, Location=inside.url("/admin"))

        attempt = _post(receiver.url())

    assert attempt == Attempt(status=status, failure=Failure.REDIRECTED)
    assert inside.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_address_is_refused_in_every_notation(receiver: Receiver, host: str) -> None:
    attempt = _post(f"https://{host}:{receiver.port}/", HttpPoster())

    assert attempt == Attempt(failure=Failure.ADDRESS_REFUSED)
    assert receiver.received == []


def test_name_that_resolves_to_a_private_address_is_refused(receiver: Receiver) -> None:
    attempt = _post(f"https://hooks.example.com:{receiver.port}/", HttpPoster(lookup=Names(["127.0.0.1"])))

    assert attempt == Attempt(failure=Failure.ADDRESS_REFUSED)
    assert receiver.received == []


def test_name_with_one_private_address_among_others_is_refused() -> None:
    assert _post("https://hooks.example.com/", HttpPoster(lookup=Names(["93.184.216.34", "10.0.0.1"]))).failure is Failure.ADDRESS_REFUSED


def test_connection_goes_to_the_checked_address(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["192.0.2.1"])

    attempt = _post(receiver.url(host="hooks.example.com"), HttpPoster(allow_private=True, lookup=names))

    assert attempt == Attempt(status=204)
    assert names.asked == [("hooks.example.com", receiver.port)]
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_next_address_is_tried_if_the_first_does_not_respond(receiver: Receiver) -> None:
    names = Names(["127.0.0.2", "127.0.0.1"])

    assert _post(receiver.url(host="hooks.example.com"), HttpPoster(allow_private=True, lookup=names)) == Attempt(status=204)


def test_unresolvable_name_is_refused() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert _post("https://hooks.example.com/", HttpPoster(allow_private=True, lookup=unknown)) == Attempt(failure=Failure.ADDRESS_REFUSED)


def test_plain_http_is_refused_even_to_a_public_address() -> None:
    assert _post("http://93.184.216.34/", HttpPoster()) == Attempt(failure=Failure.ADDRESS_REFUSED)


def test_closed_port_is_unreachable() -> None:
    assert _post(f"http://127.0.0.1:{free_port()}/") == Attempt(failure=Failure.UNREACHABLE)


def test_silent_receiver_times_out(receiver: Receiver) -> None:
    finish = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        finish.wait(CEILING)

    receiver.answer = hang

    attempt = _post(receiver.url(), HttpPoster(allow_private=True, seconds=0.5))

    assert attempt == Attempt(failure=Failure.TIMED_OUT)
    finish.set()


def test_slow_response_does_not_extend_the_timeout() -> None:
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.1):
                connection.sendall(b"x")

    with _listening(drip) as url:
        attempt = _post(url, HttpPoster(allow_private=True, seconds=1))
        ended.set()

    assert attempt == Attempt(failure=Failure.TIMED_OUT)


def test_endless_response_body_is_not_read() -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 1_000_000_000:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            return

    with _listening(flood) as url:
        attempt = _post(url)

    assert attempt == Attempt(status=200)
    assert sent < 50_000_000


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000])
def test_invalid_http_response_is_not_understood(answer: bytes) -> None:
    def respond(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)

    with _listening(respond) as url:
        assert _post(url) == Attempt(failure=Failure.NOT_UNDERSTOOD)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The certificate authority of these tests."""
    return trustme.CA()


def _context(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def test_tls_verifies_the_host_name_of_the_url(authority: trustme.CA) -> None:
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    poster = HttpPoster(allow_private=True, lookup=Names(["127.0.0.1"]), trusted=trusted)

    with receiving(certificate=_context(authority, "hooks.example.com")) as receiver:
        right = _post(receiver.url(scheme="https", host="hooks.example.com"), poster)
        wrong = _post(receiver.url(scheme="https", host="other.example.com"), poster)
        untrusted = _post(
            receiver.url(scheme="https", host="hooks.example.com"), HttpPoster(allow_private=True, lookup=Names(["127.0.0.1"]))
        )

    assert right == Attempt(status=204)
    assert wrong == untrusted == Attempt(failure=Failure.TLS_FAILED)
    assert len(receiver.received) == 1


def test_https_to_a_plain_http_server_fails_as_tls(receiver: Receiver) -> None:
    assert _post(receiver.url(scheme="https")).failure is Failure.TLS_FAILED
