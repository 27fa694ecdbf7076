"""The middleware that begins a span for each request, or continues the trace of its caller."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activities.tracing import Kind, Span, Tracer, within
from api.request_middleware import METHODS, QUIET, template_of


class RequestTraces:
    """Wraps the other middleware, so that its log lines carry the id of the trace.

    Neither paths, which may contain secrets, nor query strings or headers are recorded.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer, quiet: tuple[str, ...] = ()) -> None:
        self.app = app
        self.tracer = tracer
        self.quiet = (*QUIET, *quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(self.quiet):
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        begun = self.tracer.begin(method, Kind.SERVER, {"http.request.method": method}, parent=Headers(scope=scope).get("traceparent"))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _describe(begun, scope, method, message)
            await send(message)

        with within(begun):
            await self.app(scope, receive, answer)


def _describe(begun: Span, scope: Scope, method: str, message: Message) -> None:
    route, status = template_of(scope), int(message["status"])
    begun.describe({"http.route": route, "http.response.status_code": status}, name=f"{method} {route}")
    if status >= 500:
        begun.end(str(status))
    elif Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream"):
        begun.end()  # A stream lasts for as long as somebody looks at it.
