"""A stand-in for Unleash with one project: the part of its Admin API that connecting needs. Tests of behaviour use the real one."""

import json
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "*:*.stand-in-of-the-tests"  # noqa: S105 (of a server that only these tests use)
ENVIRONMENTS = ("development", "staging", "production")

_DOCUMENTS: dict[str, Any] = {
    "/api/admin/user": {"user": {"username": "tester"}, "permissions": [{"permission": "ADMIN"}]},
    "/api/admin/environments/project/default": {
        "environments": [{"name": each, "enabled": True, "visible": True} for each in ENVIRONMENTS]
    },
    "/api/admin/projects/default/features": {"features": []},
    "/api/admin/segments": {"segments": []},
}


class _StandIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with a document."""
        is_known = self.headers.get("authorization") == TOKEN
        document = _DOCUMENTS.get(self.path) if is_known else {"message": "You must log in to use Unleash."}
        body = json.dumps(document or {"message": "not found"}).encode()
        self.send_response(401 if not is_known else 200 if document else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@cache
def stand_in_address() -> str:
    """Return the address of the stand-in, which runs until the process of the tests ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _StandIn)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
