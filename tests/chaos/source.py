"""The source of metrics in a run: it knows the error rate of each flag, and fails or hangs at times."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.chaos.guards import FAILS, Outage
from tests.waiting import CEILING

GOOD, BAD = 0.001, 0.5


class MetricSource:
    """Answers with the error rate of a flag. From its time on, a flag is bad for good."""

    def __init__(self, bad_from: Mapping[str, float], outages: Sequence[Outage]) -> None:
        self.bad_from = bad_from
        self.outages = outages
        self.address = ""
        self.began = datetime.now(UTC)
        self.asked = 0

    def start(self) -> None:
        """Begin to count the seconds. Before that, everything is good."""
        self.began = datetime.now(UTC)

    @property
    def bad_at(self) -> dict[str, datetime]:
        """The time from which each bad flag is bad."""
        return {feature: self.began + timedelta(seconds=seconds) for feature, seconds in self.bad_from.items()}

    def answer(self, feature: str) -> tuple[int, dict[str, object]]:
        """Return the status and the document for a flag, maybe late."""
        self.asked += 1
        passed = (datetime.now(UTC) - self.began).total_seconds()
        for outage in self.outages:
            if outage.at <= passed < outage.at + outage.lasts:
                if outage.kind == FAILS:
                    return 503, {}
                time.sleep(outage.at + outage.lasts - passed)
        is_bad = feature in self.bad_at and datetime.now(UTC) >= self.bad_at[feature]
        return 200, {"value": BAD if is_bad else GOOD}


@contextmanager
def serving(source: MetricSource) -> Iterator[MetricSource]:
    """The source on a port of its own while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = source.answer(self.path.rpartition("/")[2])
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore callers that hang up or were killed."""

    listening = Server(("127.0.0.1", 0), Handler)
    source.address = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield source
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(CEILING)
