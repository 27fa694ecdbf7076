"""A real Prometheus on a port of its own, and an exporter for it to scrape."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.ports import free_port
from tests.waiting import CEILING, wait_for


def prometheus() -> str:
    """Return the path of Prometheus. `make test` unpacks it on Debian."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flaghoist-tests/usr/bin/prometheus"
    found = shutil.which(os.environ.get("FLAGHOIST_PROMETHEUS") or "prometheus") or (str(cache) if cache.exists() else None)
    assert found, "Run `make prometheus`, install Prometheus, or set FLAGHOIST_PROMETHEUS to its path."
    return found


class Exporter:
    """Serves the lines that were set, in Prometheus's text format."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.port = 0

    def set(self, *lines: str) -> None:
        """Replace what it serves."""
        self.lines = list(lines)


@contextmanager
def exporting() -> Iterator[Exporter]:
    """An exporter that is scraped while the block runs."""
    exporter = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(f"{line}\n" for line in exporter.lines).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    exporter.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        server.server_close()
        thread.join(CEILING)


class PrometheusProcess:
    """A Prometheus with a configuration."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.port = free_port()
        self.folder = folder
        self.config = config
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        config = self.folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self.config))
        command = [
            prometheus(),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        with (self.folder / "prometheus.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for("Prometheus to be ready", self._is_ready)

    def stop(self) -> None:
        """End it."""
        if self.process:
            self.process.terminate()
            self.process.wait(CEILING)
            self.process = None

    def get(self, path: str, **params: str) -> Any:
        """Return the data that its API answers."""
        answer = httpx.get(f"{self.address}/api/v1/{path}", params=params, trust_env=False).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def value(self, query: str) -> str | None:
        """Return the first value of an instant query, or None."""
        found = self.get("query", query=query)["result"]
        return str(found[0]["value"][1]) if found else None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/-/ready", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


class PrometheusServer(PrometheusProcess):
    """A Prometheus that scrapes one exporter each second."""

    def __init__(self, folder: Path, exporter: Exporter) -> None:
        job = {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        super().__init__(folder, {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})
        self.exporter = exporter

    def expose(self, *lines: str, until: str) -> None:
        """Have the exporter serve these lines, and wait until this query has a result."""
        self.exporter.set(*lines)
        wait_for(f"Prometheus to have {until}", lambda: self.value(until) is not None)


@contextmanager
def running_prometheus(folder: Path) -> Iterator[PrometheusServer]:
    """A server with its exporter."""
    with exporting() as exporter:
        server = PrometheusServer(folder, exporter)
        server.start()
        try:
            yield server
        finally:
            server.stop()
