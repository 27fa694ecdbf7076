"""Spans that are sent by OTLP over HTTP. OpenTelemetry's own environment variables configure it. Imported only if traces are on."""

import os
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from activities.tracing import NOTHING, Attributes, Kind, Span

CLOSE_SECONDS = 3.0
"""The time for sending the last spans. A receiver that is down must not delay the end of a process."""

_KINDS = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.CONSUMER: SpanKind.CONSUMER,
}
_FORMAT = TraceContextTextMapPropagator()
_NO_CONTEXT = Context()


class OtlpSpan:
    """One span of OpenTelemetry."""

    def __init__(self, tracer: trace.Tracer, inner: trace.Span) -> None:
        self._tracer = tracer
        self._inner = inner
        self._context = inner.get_span_context()

    @property
    def trace_id(self) -> str:
        """The id of its trace: 32 hexadecimal digits."""
        return trace.format_trace_id(self._context.trace_id)

    @property
    def traceparent(self) -> str:
        """The span as W3C Trace Context writes it."""
        flags = f"{self._context.trace_flags:02x}"
        return f"00-{self.trace_id}-{trace.format_span_id(self._context.span_id)}-{flags}"

    @property
    def is_open(self) -> bool:
        """True if it is recorded and has not ended."""
        return self._inner.is_recording()

    def child(self, name: str, kind: Kind, attributes: Attributes) -> Span:
        """Begin a span within this one."""
        within = trace.set_span_in_context(self._inner, _NO_CONTEXT)
        return OtlpSpan(self._tracer, self._tracer.start_span(name, within, _KINDS[kind], dict(attributes)))

    def describe(self, attributes: Attributes, name: str | None = None) -> None:
        """Add attributes, and rename it if a name is given."""
        self._inner.set_attributes(dict(attributes))
        if name:
            self._inner.update_name(name)

    def end(self, error: str = "") -> None:
        """End it. A second end does nothing."""
        if not self.is_open:
            return
        if error:
            self._inner.set_status(Status(StatusCode.ERROR, error))
        self._inner.end()


class OtlpTracer:
    """A tracer with a bounded queue, which drops spans rather than delay any work."""

    def __init__(self, service: str) -> None:
        named = {} if os.environ.get(OTEL_SERVICE_NAME) else {SERVICE_NAME: service}
        self._provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("flaghoist")

    def begin(
        self, name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes = NOTHING, *, parent: str | None = None, link: str | None = None
    ) -> Span:
        """Begin a span under that traceparent, or else a new trace."""
        linked = trace.get_current_span(_context_of(link)).get_span_context()
        links = [Link(linked)] if linked.is_valid else []
        started = self._tracer.start_span(name, _context_of(parent), _KINDS[kind], dict(attributes), links)
        return OtlpSpan(self._tracer, started)

    def close(self) -> None:
        """Send the spans that wait, for a few seconds at most."""
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _context_of(traceparent: str | None) -> Context:
    """Return a context with that span. One that is malformed counts as none."""
    return _FORMAT.extract({"traceparent": traceparent}, _NO_CONTEXT) if traceparent else _NO_CONTEXT
