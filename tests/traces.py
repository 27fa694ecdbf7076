"""A receiver of traces by OTLP over HTTP, and what it got."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.receiver import Receiver, answering, receiving
from tests.waiting import wait_for


class Recorded(NamedTuple):
    """One span, with the service that sent it."""

    service: str
    span: Span

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def id(self) -> str:
        return self.span.span_id.hex()

    @property
    def parent(self) -> str:
        return self.span.parent_span_id.hex()

    @property
    def trace(self) -> str:
        return self.span.trace_id.hex()

    @property
    def failed(self) -> bool:
        return self.span.status.code == Status.STATUS_CODE_ERROR

    @property
    def attributes(self) -> dict[str, str | int]:
        values = {each.key: each.value for each in self.span.attributes}
        return {key: value.int_value if value.HasField("int_value") else value.string_value for key, value in values.items()}


class TraceReceiver:
    """Keeps every span that is sent to it."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        receiver.answer = answering(200)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process send its traces here, soon after they end."""
        return traces_to(self.receiver.url(""))

    @property
    def bodies(self) -> bytes:
        """Everything that was sent, as it was sent."""
        return b"\n".join(each.body for each in self.receiver.received)

    @property
    def spans(self) -> list[Recorded]:
        """Every span so far."""
        found = []
        for each in list(self.receiver.received):
            for resource in ExportTraceServiceRequest.FromString(each.body).resource_spans:
                service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
                found += [Recorded(service, span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def named(self, name: str) -> list[Recorded]:
        """Return the spans of that name."""
        return [each for each in self.spans if each.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[Recorded]:
        """Return the spans of that name once there are that many."""
        return wait_for(f"{count} spans {name}", lambda: found if len(found := self.named(name)) >= count else None)

    def _by_id(self, identifier: str) -> Recorded | None:
        return next((each for each in self.spans if each.id == identifier), None)

    def path_of(self, span: Recorded) -> list[str]:
        """Return the names from the span up to the root of its trace. A parent often ends later, and comes later."""
        names = [span.name]
        while parent := span.parent:
            span = wait_for(f"the parent of {span.name}", partial(self._by_id, parent))
            names.append(span.name)
        return names


def traces_to(endpoint: str) -> dict[str, str]:
    """Return the variables that make a process send its traces there."""
    return {"FLAGHOIST_TRACES": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}


@contextmanager
def receiving_traces() -> Iterator[TraceReceiver]:
    """A receiver of traces that listens while the block runs."""
    with receiving() as receiver:
        yield TraceReceiver(receiver)
