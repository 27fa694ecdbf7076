"""The health check of a worker: unhealthy until Temporal has seen it poll for work."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from workflows.service.client import ReleaseClient

log = structlog.get_logger()

CHECK_INTERVAL = 1.0
"""In seconds."""


class WorkerHealth:
    """Healthy once this worker has polled. Later silence is no illness: a restart does not end an outage of Temporal."""

    def __init__(self) -> None:
        self.has_polled = False

    async def watch(self, releases: ReleaseClient) -> None:
        """Ask Temporal until it lists this worker among those that poll."""
        identity = releases.client.identity
        while not self.has_polled:
            status = await releases.health()
            self.has_polled = any(worker.identity == identity for worker in status.workers)
            await asyncio.sleep(CHECK_INTERVAL)
        log.info("worker_polls", identity=identity)


@contextmanager
def serving_health(address: str, health: WorkerHealth) -> Iterator[None]:
    """Answer `GET /healthz` at that address with 200 or 503 while the block lasts."""
    host, _, port = address.rpartition(":")
    with ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(health)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _handler(health: WorkerHealth) -> type[BaseHTTPRequestHandler]:
    class HealthHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer by the path and the health."""
            status = (
                (HTTPStatus.OK if health.has_polled else HTTPStatus.SERVICE_UNAVAILABLE)
                if self.path == "/healthz"
                else HTTPStatus.NOT_FOUND
            )
            body = b'{"status":"polling"}' if health.has_polled else b'{"status":"starting"}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log no requests."""

    return HealthHandler
