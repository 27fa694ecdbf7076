"""The outermost middleware: gives every request an id, counts it, and logs one line."""

import re
import time
from http import HTTPStatus
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activities.store.identifiers import new_id
from api.problems import internal_error
from api.prometheus import Answered, ApiMetrics
from domain.access import Caller
from domain.text import SLUG_PATTERN

VERSIONED = "/api/v1"
REQUEST_ID = "X-Request-Id"
UNMATCHED = "(unmatched)"

QUIET = ("/healthz", "/readyz", "/metrics")
"""Paths that machines request again and again."""

_REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOGGED = ("project", "release")

log = structlog.get_logger()


class RequestMiddleware:
    """Wraps everything else, so that every failure has a request id and a problem document."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, quiet: tuple[str, ...] = ()) -> None:
        self.app = app
        self.metrics = metrics
        self.quiet = (*QUIET, *quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _REQUEST_ID_FORM.fullmatch(given) else new_id()
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, answer)
            except Exception as error:
                if status:  # Part of the response has already been sent.
                    raise
                await internal_error(error)(scope, receive, answer)
            finally:
                self._record(scope, status, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        route, code = template_of(scope), state.get("problem")
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        self.metrics.count(Answered(method, route, str(status or "(none)"), seconds, code))
        fields: dict[str, Any] = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        more = {"code": code} if code else {}
        # Health checks, scrapes and applications that read flags are frequent and rarely of interest.
        write = log.debug if scope["path"].startswith(self.quiet) else log.info
        write("request", **fields, **more, **_caller(state), **_names(scope, status))


def template_of(scope: Scope) -> str:
    """Return the path template of the matched route. The path itself would make a metric series for each parameter value."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return UNMATCHED
    # An included route has its path without the prefix of the router that includes it.
    return f"{VERSIONED}{path}" if scope["path"].startswith(f"{VERSIONED}/") else str(path)


def _caller(state: dict[str, Any]) -> dict[str, str]:
    caller: Caller | None = state.get("caller")
    return {"key": caller.key, "owner": caller.owner_id} if caller else {}


def _names(scope: Scope, status: int) -> dict[str, str]:
    """Return the project and the release in the path. Other parts, and paths that were not found, are not logged: they may be secrets."""
    sent = scope.get("path_params") or {} if status != HTTPStatus.NOT_FOUND else {}
    return {name: sent[name] for name in _LOGGED if re.fullmatch(SLUG_PATTERN, str(sent.get(name, "")))}
