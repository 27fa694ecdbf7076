"""An HTTP proxy in front of a flag system. While it is told to, it answers some requests with 429 or 500."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import httpx

THROTTLED, FAILED = 429, 500
RETRY_AFTER = "1"
SECONDS = 60
"""The time for the flag system's own answer. It is longer than any client waits."""

_ANSWERS = (None, None, None, "throttled", "failed before", "failed after")
"""The fates of a request, equally likely: none, 429, or 500 before or after it took effect."""


class FaultyProxy(ThreadingHTTPServer):
    """A proxy with an address of its own."""

    daemon_threads = True

    def __init__(self, target: str, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.is_faulty = False
        self.answered = Counter[int]()
        self._random = Random(f"proxy {seed}")  # noqa: S311 (reproducible, not a secret)
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The address to which clients connect."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def faulty(self) -> Iterator[None]:
        """Answer some requests with errors while the block runs."""
        self.is_faulty = True
        try:
            yield
        finally:
            self.is_faulty = False

    def handle_error(self, _request: object, _address: object) -> None:
        """Say nothing about clients that were killed."""

    def draw(self) -> str | None:
        """Draw what happens to a request."""
        with self._lock:
            return self._random.choice(_ANSWERS) if self.is_faulty else None

    def note(self, status: int) -> None:
        """Count an error that was answered."""
        with self._lock:
            self.answered[status] += 1


@contextmanager
def running_proxy(target: str, seed: int) -> Iterator[FaultyProxy]:
    """Run a proxy in front of an address while the block lasts."""
    with FaultyProxy(target, seed) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        what = self.server.draw()
        if what == "throttled":
            self._fail(THROTTLED)
            return
        if what == "failed before":
            self._fail(FAILED)
            return
        try:
            answer = self._forwarded(body)
        except httpx.HTTPError:
            self.close_connection = True  # As if the flag system itself were gone.
            return
        if what == "failed after":
            self._fail(FAILED)
        else:
            self._reply(answer.status_code, answer.content, answer.headers.get("content-type", "application/json"))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 (the names are the library's)

    def _forwarded(self, body: bytes) -> httpx.Response:
        headers = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
        return httpx.request(self.command, f"{self.server.target}{self.path}", content=body, headers=headers, timeout=SECONDS)

    def _fail(self, status: int) -> None:
        self.server.note(status)
        self._reply(status, b"{}", "application/json", *([("retry-after", RETRY_AFTER)] if status == THROTTLED else []))

    def _reply(self, status: int, content: bytes, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("content-length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
