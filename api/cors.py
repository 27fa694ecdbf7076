"""CORS for pages of other websites: those that read flags, and the Temporal Web UI."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class PathCors:
    """Add CORS headers to some paths, and to no others."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], paths: tuple[str, ...], *, with_credentials: bool = False) -> None:
        self.app = app
        self.paths = paths
        self.with_cors = _with_cors(app, origins, with_credentials=with_credentials) if origins else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_one_of_them = scope["type"] == "http" and scope["path"].startswith(self.paths)
        await (self.with_cors if is_one_of_them else self.app)(scope, receive, send)


def _with_cors(app: ASGIApp, origins: Sequence[str], *, with_credentials: bool) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_credentials=with_credentials,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["ETag", "Last-Modified", "Retry-After", "X-Request-Id"],
        max_age=3600,
    )
