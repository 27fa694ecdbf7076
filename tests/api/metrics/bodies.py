"""Bodies of requests for sources and metrics, and their paths."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.http import Api

SOURCES, METRICS = "/projects/shop/sources", "/projects/shop/metrics"
SECRET = "the-credential-of-a-source"  # noqa: S105 (of no one)
VIEWER = {"project": "shop", "role": "viewer"}


def source(**more: Any) -> dict[str, Any]:
    return {"key": "orders", "name": "Orders", "kind": "sql", "address": "sqlite:///shop.db"} | more


def http_source(port: int, **more: Any) -> dict[str, Any]:
    return source(key="web", kind="http", address=f"http://127.0.0.1:{port}/metrics", credential=SECRET, **more)


def metric(**more: Any) -> dict[str, Any]:
    return {"key": "count", "name": "Count", "source": "orders", "query": "SELECT count(*) FROM orders WHERE flag = :feature"} | more


def asking(**more: Any) -> dict[str, Any]:
    return {"metric": "count", "feature": "checkout", "environment": "production"} | more


def put(api: Api, path: str, body: dict[str, Any], **headers: str) -> Any:
    return api.request("PUT", path, body, headers=headers)


def answer_json(document: Any) -> Any:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = json.dumps(document).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer
