"""An HTTP server that answers with any document, or badly."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.waiting import CEILING


class Asked(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]


class JsonServer:
    """Answers every GET with the same status and body."""

    def __init__(self) -> None:
        self.port = 0
        self.status = 200
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.asked: list[Asked] = []

    @property
    def address(self) -> str:
        """Its base URL, which has a path."""
        return f"http://127.0.0.1:{self.port}/api"

    def answer(self, document: Any, status: int = 200, **headers: str) -> None:
        """Set the answer: a document, or bytes as they are."""
        self.status, self.headers = status, headers
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()


@contextmanager
def serving_json() -> Iterator[JsonServer]:
    """A server while the block runs."""
    server = JsonServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(server.status)
            for name, value in (server.headers | {"Content-Length": str(len(server.body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(server.body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore callers that hang up."""

    listening = Server(("127.0.0.1", 0), Handler)
    server.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(CEILING)


@contextmanager
def misbehaving(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that accepts connections and does as it likes. Yields its address."""

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=[connection], daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65_536)
            behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=[listener], daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def hang(connection: socket.socket) -> None:
    """Say nothing until the caller hangs up."""
    connection.recv(1)


def answer_half(connection: socket.socket) -> None:
    """Announce more than is sent."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"value": 1')


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, so that no single wait is long."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        connection.settimeout(0.05)
        with suppress(TimeoutError):
            connection.recv(1)


def talk_nonsense(connection: socket.socket) -> None:
    """Send something that is not HTTP."""
    connection.sendall(b"220 mail.example ESMTP\r\n")
