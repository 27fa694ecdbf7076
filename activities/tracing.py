"""Traces: the span that is current where the code runs. Nothing here imports OpenTelemetry, so that traces that are off cost nothing."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from importlib import import_module
from typing import Any, Protocol

Attributes = Mapping[str, str | int]

NOTHING: Attributes = {}


class TracesUnavailable(Exception):
    """Traces are on, but their library is not installed."""


class Kind(Enum):
    """The kinds of spans, as OpenTelemetry defines them."""

    INTERNAL = auto()
    SERVER = auto()
    CLIENT = auto()
    CONSUMER = auto()


class Span(Protocol):
    """One piece of work within a trace."""

    @property
    def trace_id(self) -> str:
        """The id of its trace: 32 hexadecimal digits."""

    @property
    def traceparent(self) -> str:
        """The span as W3C Trace Context writes it, to be continued elsewhere."""

    @property
    def is_open(self) -> bool:
        """True if it is recorded and has not ended."""

    def child(self, name: str, kind: Kind, attributes: Attributes) -> "Span":
        """Begin a span within this one."""

    def describe(self, attributes: Attributes, name: str | None = None) -> None:
        """Add attributes, and rename it if a name is given."""

    def end(self, error: str = "") -> None:
        """End it, with the kind of its error, if any. A second end does nothing."""


class Tracer(Protocol):
    """Begins traces, and continues those that began elsewhere."""

    def begin(
        self, name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes = NOTHING, *, parent: str | None = None, link: str | None = None
    ) -> Span:
        """Begin a span under that traceparent, or else a new trace, with a link to another span, if any."""

    def close(self) -> None:
        """Send the spans that wait, for a few seconds at most."""


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def otlp_tracer(service: str) -> Tracer:
    """Return a tracer that sends spans by OTLP. Raises TracesUnavailable."""
    try:
        tracer: Tracer = import_module("activities.otlp_tracer").OtlpTracer(service)
    except ModuleNotFoundError as missing:
        raise TracesUnavailable(f"FLAGHOIST_TRACES needs `pip install 'flaghoist[traces]'`: {missing.name} is not installed.") from missing
    return tracer


def current_span() -> Span | None:
    """Return the span that is current here, if it is still open."""
    span = _current.get()
    return span if span and span.is_open else None


def current_traceparent() -> str | None:
    """Return the traceparent of the current span, also if the trace is not sampled."""
    span = _current.get()
    return span.traceparent if span else None


def add_trace_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the id of the current trace to a log line, as a processor of structlog."""
    if span := _current.get():
        event["trace_id"] = span.trace_id
    return event


@contextmanager
def within(span: Span) -> Iterator[Span]:
    """Make the span current, and end it with the block. An error's message is not recorded, because it may quote a secret."""
    token = _current.set(span)
    try:
        yield span
    except BaseException as error:
        span.end(type(error).__name__)
        raise
    finally:
        _current.reset(token)
        span.end()


@contextmanager
def span(name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes = NOTHING) -> Iterator[Span | None]:
    """Record the block as a span within the current one, if there is any."""
    parent = current_span()
    if parent is None:
        yield None
        return
    with within(parent.child(name, kind, attributes)) as child:
        yield child


@contextmanager
def http_span(method: str, host: str) -> Iterator[Callable[[int], None]]:
    """Record the block as a call to that host. It yields a function that notes the status. The URL may be a secret, so it is left out."""
    with span(f"{method} {host}", Kind.CLIENT, {"http.request.method": method, "server.address": host}) as call:
        yield lambda status: call.describe({"http.response.status_code": status}) if call else None
