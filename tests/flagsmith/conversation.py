"""Conversations with Flagsmith: recorded from a real one, and replayed in its place."""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NamedTuple, Protocol

import httpx

RECORDED = Path(__file__).parent / "recorded"
KEY = "key-of-the-tests"

_UUID = re.compile(r'"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"')
_TIME = re.compile(r'"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)"')
_ENVIRONMENT_KEY = re.compile(r'"api_key": "([A-Za-z0-9]+)"')
_SERVER_KEY = re.compile(r'"(ser\.[A-Za-z0-9]+)"')


class Asked(NamedTuple):
    """A request. `is_known` is true if it came with the key of the organisation. An application sends the key of an environment instead."""

    method: str
    path: str
    body: Any
    is_known: bool
    environment_key: str | None = None


class Answered(NamedTuple):
    """An answer. Its body is null if it is not JSON."""

    status: int
    body: Any


class Answering(Protocol):
    """A source of answers."""

    def __call__(self, asked: Asked) -> Answered:
        """Return the answer to a request."""


class Recorder:
    """Asks a real Flagsmith, and keeps each exchange."""

    def __init__(self, address: str, key: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=120)
        self._key = key
        self._lock = Lock()
        self.exchanges: list[tuple[Asked, Answered]] = []

    def __call__(self, asked: Asked) -> Answered:
        """Ask the real one."""
        headers = {"authorization": f"Api-Key {self._key if asked.is_known else 'unknown.key'}"}
        if asked.environment_key:
            headers = {"x-environment-key": asked.environment_key}
        answer = self._client.request(asked.method, asked.path, json=asked.body, headers=headers)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        answered = Answered(answer.status_code, answer.json() if is_json and answer.content else None)
        with self._lock:
            self.exchanges.append((asked, answered))
        return answered

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def save(self, path: Path) -> None:
        """Write the exchanges, with neutral keys, ids and times."""
        text = json.dumps([asked._asdict() | answered._asdict() | {"asked": asked.body} for asked, answered in self.exchanges])
        for number, key in enumerate(dict.fromkeys(_ENVIRONMENT_KEY.findall(text)), start=1):
            text = text.replace(key, f"environment-key-{number}")
        for number, key in enumerate(dict.fromkeys(_SERVER_KEY.findall(text)), start=1):
            text = text.replace(key, f"ser.environment-key-{number}")
        text = _TIME.sub('"2026-01-01T00:00:00Z"', _UUID.sub('"00000000-0000-0000-0000-000000000000"', text))
        lines = ",\n".join(json.dumps(each) for each in json.loads(text))
        path.write_text(f"[\n{lines}\n]\n")


class Replay:
    """Answers as the real Flagsmith did: the same requests in turn, however requests for different things are mixed."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[str, deque[Answered]] = defaultdict(deque)
        self._lock = Lock()
        for each in json.loads(path.read_text()):
            asked = Asked(each["method"], each["path"], each["asked"], each["is_known"], each.get("environment_key"))
            self._answers[_key(asked)].append(Answered(each["status"], each["body"]))

    def __call__(self, asked: Asked) -> Answered:
        """Return the recorded answer, or a status that no adapter expects."""
        with self._lock:
            waiting = self._answers[_key(asked)]
            return waiting.popleft() if waiting else Answered(599, {"detail": f"Not recorded: {_key(asked)}"})

    def close(self) -> None:
        """Close nothing."""

    @property
    def unused(self) -> list[str]:
        """The requests that were recorded and not made."""
        return [key for key, waiting in self._answers.items() if waiting]


def _key(asked: Asked) -> str:
    return json.dumps(asked, sort_keys=True)


@contextmanager
def speaking(answering: Answering) -> Iterator[str]:
    """Serve the answers on a port of this machine, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            is_known = self.headers.get("authorization") == f"Api-Key {KEY}"
            key = self.headers.get("x-environment-key")
            answered = answering(Asked(self.command, self.path, json.loads(body) if body else None, is_known, key))
            content = b"" if answered.body is None else json.dumps(answered.body).encode()
            self.send_response(answered.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
