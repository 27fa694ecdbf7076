"""Traces through Temporal: interceptors that continue the trace of a request in a workflow and its activities.

A span never lasts as long as a workflow. Docs: docs/decisions/0046.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn, Protocol

from temporalio import activity, client, worker, workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

from activities.tracing import Kind, Tracer, current_traceparent, span, within

HEADER = "_tracer-data"
"""The header that Temporal's SDKs use for OpenTelemetry."""

REACH = timedelta(minutes=1)
"""The time after a start, signal, update or timer in which a workflow's activities belong to its trace."""

UNTRACED = frozenset({"watch_stage"})
"""Activities that last as long as a stage."""

_NAMES = ("project", "release", "stage")
_PAYLOADS = PayloadConverter.default

Headers = Mapping[str, Payload]


class WithHeaders(Protocol):
    """A call that carries headers."""

    headers: Headers


class Traces(client.Interceptor, worker.Interceptor):
    """Interceptors for a client and its workers."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:  # noqa: A002 (the name is temporalio's)
        """Trace calls of workflows."""
        return _Calls(next)

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:  # noqa: A002
        """Trace activities."""
        return _Activities(next, self.tracer)

    def workflow_interceptor_class(self, _input: worker.WorkflowInterceptorClassInput) -> type[worker.WorkflowInboundInterceptor]:
        """Trace workflows."""
        return type("_TracedWorkflow", (WorkflowTraces,), {"tracer": self.tracer})


class _Calls(client.OutboundInterceptor):
    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:  # noqa: A002
        with span(f"StartWorkflow:{input.workflow}", Kind.CLIENT):
            _send(input, current_traceparent())
            return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:  # noqa: A002
        with span(f"SignalWorkflow:{input.signal}", Kind.CLIENT):
            _send(input, current_traceparent())
            await super().signal_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> client.WorkflowUpdateHandle[Any]:  # noqa: A002
        with span(f"StartWorkflowUpdate:{input.update}", Kind.CLIENT):
            _send(input, current_traceparent())
            return await super().start_workflow_update(input)


class _Activities(worker.ActivityInboundInterceptor):
    def __init__(self, inner: worker.ActivityInboundInterceptor, tracer: Tracer) -> None:
        super().__init__(inner)
        self.tracer = tracer

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        if info.activity_type in UNTRACED:
            return await super().execute_activity(input)
        message = input.args[0] if input.args else None
        attributes: dict[str, str | int] = {"temporal.attempt": info.attempt, "temporal.local_activity": str(info.is_local).lower()}
        attributes |= {f"flaghoist.{name}": value for name in _NAMES if isinstance(value := getattr(message, name, None), str)}
        begun = self.tracer.begin(f"RunActivity:{info.activity_type}", Kind.SERVER, attributes, parent=_received(input.headers))
        with within(begun):
            return await super().execute_activity(input)


class WorkflowTraces(worker.WorkflowInboundInterceptor):
    """The traces of one workflow run: that of its start, and later that of each signal, update or timer.

    A replay records nothing. Ids are random, and never come from the workflow's own source of randomness.
    """

    tracer: Tracer
    origin: str | None = None
    cause: str | None = None
    caused_at: datetime | None = None

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        """Trace what the workflow starts, too."""
        super().init(_Outbound(outbound, self))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:  # noqa: A002
        """Begin in the trace of the start. A run that continues another one only has a link to it."""
        self.origin = _received(input.headers)
        if workflow.info().continued_run_id is None:
            self._note(f"RunWorkflow:{workflow.info().workflow_type}", self.origin)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:  # noqa: A002
        """Continue in the trace of the signal."""
        self._note(f"HandleSignal:{input.signal}", _received(input.headers))
        await super().handle_signal(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:  # noqa: A002
        """Continue in the trace of the update."""
        self._note(f"HandleUpdate:{input.update}", _received(input.headers))
        return await super().handle_update_handler(input)

    def traceparent(self) -> str | None:
        """Return the span that a call of the workflow belongs to now. It begins a new trace if the last cause is too long ago."""
        now = workflow.now()
        if self.cause is None or self.caused_at is None or now - self.caused_at > REACH:
            self.cause, self.caused_at = self._instant(f"WakeWorkflow:{workflow.info().workflow_type}", link=self.origin), now
        return self.cause

    def _note(self, name: str, received: str | None) -> None:
        if received:
            self.cause, self.caused_at = self._instant(name, parent=received) or received, workflow.now()

    def _instant(self, name: str, *, parent: str | None = None, link: str | None = None) -> str | None:
        """Record a span without a duration, unless this is a replay. One with a duration would be lost with its worker."""
        if workflow.unsafe.is_replaying():
            return None
        attributes = {"temporal.workflow_id": workflow.info().workflow_id}
        instant = self.tracer.begin(name, Kind.CONSUMER, attributes, parent=parent, link=link)
        instant.end()
        return instant.traceparent


class _Outbound(worker.WorkflowOutboundInterceptor):
    def __init__(self, inner: worker.WorkflowOutboundInterceptor, traces: WorkflowTraces) -> None:
        super().__init__(inner)
        self.traces = traces

    def start_activity(self, input: worker.StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        if input.activity not in UNTRACED:
            _send(input, self.traces.traceparent())
        return super().start_activity(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        _send(input, self.traces.traceparent())
        return super().start_local_activity(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:  # noqa: A002
        _send(input, self.traces.origin)
        super().continue_as_new(input)


def _send(call: WithHeaders, traceparent: str | None) -> None:
    if traceparent:
        call.headers = {**call.headers, HEADER: _PAYLOADS.to_payload({"traceparent": traceparent})}


def _received(headers: Headers) -> str | None:
    """Return the traceparent that came with a call. One that can't be read counts as none."""
    payload = headers.get(HEADER)
    with suppress(Exception):
        carrier = _PAYLOADS.from_payload(payload) if payload else {}
        traceparent = carrier.get("traceparent")
        return traceparent if isinstance(traceparent, str) else None
    return None
