"""A receiver of webhooks, as a team would write one: a real HTTP server on this machine that checks each signature."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook


class Received(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What the receiver would know it by if it came twice."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The document, if the standard's own library says that it is from one who knows the secret."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Answers as it is told to; what came is kept in order."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[Received] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = answering(204)

    def url(self, path: str = "/hook", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Where it listens."""
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def events(self) -> list[tuple[str, str]]:
        """What was told, in the order in which it came: the event and the stage."""
        documents = [json.loads(each.body) for each in self.received]
        return [(each["type"], each["data"]["stage"]) for each in documents]

    def wait_for(self, count: int, seconds: float = 30) -> list[Received]:
        """What came, once it is so much."""
        deadline = time.monotonic() + seconds
        while len(self.received) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.received)} of {count} requests came")
            time.sleep(0.05)
        return list(self.received)


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with that status."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def answering_in_turn(*statuses: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with one status after the other, and then with the last one for ever."""
    left = list(statuses)
    lock = threading.Lock()

    def answer(request: BaseHTTPRequestHandler) -> None:
        with lock:
            status = left.pop(0) if len(left) > 1 else left[0]
        answering(status)(request)

    return answer


@contextmanager
def receiving(port: int = 0, certificate: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver, for as long as the block lasts."""

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
            """Whoever calls may hang up."""

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
        thread.join(10)
