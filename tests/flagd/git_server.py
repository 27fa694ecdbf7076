"""Git over HTTP: a server with `git http-backend`, which takes a user and a password, and can be told to misbehave."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

ALLOWED = "bot:secret-of-the-bot"


class GitServer(ThreadingHTTPServer):
    """The repositories of a folder. Only who knows the secret may call it, and only the first of two users may push."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.answers: dict[str, int] = {}
        self.seen: list[str] = []

    @property
    def address(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def git_server(root: Path) -> Iterator[GitServer]:
    """Serve the repositories of a folder meanwhile."""
    with GitServer(root) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def _answer(self, body: bytes) -> None:
        given = base64.b64decode(self.headers.get("authorization", "").removeprefix("Basic ")).decode()
        self.server.seen.append(given)
        status = next((status for part, status in self.server.answers.items() if part in self.path), None)
        if status is None and given != ALLOWED:
            status = 401
        if status:
            self.send_response(status)
            self.send_header("www-authenticate", 'Basic realm="git"')
            self.send_header("location", f"{self.server.address}/elsewhere.git/info/refs")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self._backend(body)

    def _backend(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            "REMOTE_USER": "bot",
        }
        command = ["git", "http-backend"]
        done = subprocess.run(command, env=environment, input=body, capture_output=True, check=True, timeout=60)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the signature is the library's)
        """Log nothing."""
