"""CORS for the websites that may read flags from a browser."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class EvaluationCors:
    """Add CORS headers to the paths that serve flags, and to no others."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], paths: tuple[str, ...]) -> None:
        self.app = app
        self.paths = paths
        self.with_cors = _with_cors(app, origins) if origins else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        serves_flags = scope["type"] == "http" and scope["path"].startswith(self.paths)
        await (self.with_cors if serves_flags else self.app)(scope, receive, send)


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["ETag", "Last-Modified", "Retry-After", "X-Request-Id"],
        max_age=3600,
    )
