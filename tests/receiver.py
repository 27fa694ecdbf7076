"""A receiver of webhooks, as a team would write one: a real HTTP server that checks each signature."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook

from tests.waiting import CEILING, wait_for


class Received(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id by which a receiver recognises a delivery that comes twice."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Return the document. Raise if the standard's own library finds the signature wrong."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Keeps every request in order, and answers as `answer` says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[Received] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = answering(204)

    def url(self, path: str = "/hook", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Return the URL of a path on which it listens."""
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def events(self) -> list[tuple[str, str]]:
        """The event and the stage of each request, in the order of their arrival."""
        documents = [json.loads(each.body) for each in self.received]
        return [(each["type"], each["data"]["stage"]) for each in documents]

    def wait_for(self, count: int) -> list[Received]:
        """Return the requests once there are that many."""
        wait_for(f"{count} requests to come", lambda: len(self.received) >= count)
        return list(self.received)


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a function that answers with that status."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def answering_in_turn(*statuses: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a function that answers with one status after the other, and then always with the last one."""
    remaining = list(statuses)
    lock = threading.Lock()

    def answer(request: BaseHTTPRequestHandler) -> None:
        with lock:
            status = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        answering(status)(request)

    return answer


@contextmanager
def receiving(port: int = 0, certificate: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            receiver.answer(self)

        def do_GET(self) -> None:
            receiver.received.append(Received(self.path, {}, b""))
            receiver.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore callers that hang up."""

    server = Server(("127.0.0.1", port), Handler)
    if certificate:
        server.socket = certificate.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(CEILING)
