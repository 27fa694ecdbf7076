"""Traces of workflows: later stages begin their own, replays record nothing, and histories do not depend on them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from activities.otlp_tracer import OtlpTracer
from activities.store.database import Database
from activities.tracing import Tracer, within
from domain.releases.control import Control
from tests.pipelines import hold, pipeline, stage
from tests.traces import TraceReceiver, receiving_traces
from tests.workflows.controls import send
from tests.workflows.harness import HISTORIES, Harness, dev_server_harness, time_skipping_harness
from tests.workflows.sandbox import sandbox
from workflows.payloads import DATA_CONVERTER
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.service.client import ReleaseClient
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.traces import Traces
from workflows.webhook import WebhookWorkflow

CHANGE = "RunActivity:change_flag"
WAKE = "WakeWorkflow:Release"
TWO_HOURS_APART = pipeline(stage("Development"), stage("Production", "production", "2h"))


@contextmanager
def tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[OtlpTracer, TraceReceiver]]:
    with receiving_traces() as traces, monkeypatch.context() as patched:
        for name, value in traces.environment.items():
            patched.setenv(name, value)
        tracer = OtlpTracer("tests")
        yield tracer, traces
        tracer.close()


def traced(harness: Harness, tracer: Tracer) -> Client:
    """Return a client that traces, after making the harness use it."""
    client = Client(**{**harness.env.client.config(), "interceptors": [Traces(tracer)]})  # type: ignore[arg-type]
    harness.releases = ReleaseClient(client)
    harness.relay = OutboxRelay(harness.world.database, harness.releases, tracer=tracer)
    return client


async def completed(harness: Harness, tracer: Tracer, client: Client) -> WorkflowHistory:
    """Return the history of a release with two stages, two hours apart, that was added within a span."""
    harness.world.publish(TWO_HOURS_APART)
    async with harness.worker(client=client):
        with within(tracer.begin("request")):
            release = await harness.add()
        await harness.until(release, "running", stage="Production")
        await harness.env.sleep(timedelta(hours=2, minutes=1))
        await harness.until(release, "completed")
        await harness.result(harness.handle(release))
    return await harness.handle(release).fetch_history()


async def replay(history: WorkflowHistory, tracer: Tracer | None) -> None:
    workflows = [ReleaseWorkflow, RollbackWorkflow, WebhookWorkflow]
    if tracer is None:
        replayer = Replayer(workflows=workflows, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    else:
        runner, interceptors = UnsandboxedWorkflowRunner(), [Traces(tracer)]
        replayer = Replayer(workflows=workflows, data_converter=DATA_CONVERTER, workflow_runner=runner, interceptors=interceptors)
    await replayer.replay_workflow(history)


def test_stage_after_a_long_wait_has_its_own_trace_with_a_link(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(tracer: Tracer) -> None:
        async with time_skipping_harness(sqlite) as harness:
            await completed(harness, tracer, traced(harness, tracer))

    with tracing(monkeypatch) as (tracer, traces):
        asyncio.run(scenario(tracer))
        first, second = traces.wait_for(CHANGE, 2)

        assert traces.path_of(first)[1] == "RunWorkflow:Release"
        assert traces.path_of(first)[-1] == "request"
        assert traces.path_of(second) == [CHANGE, WAKE]
        [wake] = traces.named(WAKE)
        assert [link.trace_id.hex() for link in wake.span.links] == [first.trace]
        assert first.trace != second.trace


def test_histories_replay_with_and_without_traces_and_no_replay_records_a_span(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(tracer: Tracer, of_replays: Tracer) -> None:
        async with time_skipping_harness(sqlite) as harness:
            history = await completed(harness, tracer, traced(harness, tracer))
        await replay(history, None)
        await replay(history, of_replays)
        for path in sorted(HISTORIES.glob("*.json")):
            await replay(WorkflowHistory.from_json(f"release/{path.stem}", path.read_text()), of_replays)

    with tracing(monkeypatch) as (tracer, traces), tracing(monkeypatch) as (of_replays, replayed):
        asyncio.run(scenario(tracer, of_replays))
        of_replays.begin("after all replays").end()
        replayed.wait_for("after all replays")
        traces.wait_for(CHANGE, 2)

        assert [each.name for each in replayed.spans] == ["after all replays"]


def test_control_continues_the_trace_of_its_request(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(tracer: Tracer) -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            client = traced(harness, tracer)
            async with harness.worker(client=client):
                release = await harness.add()  # Outside any span, as if traces were off then.
                watching = await harness.until(release, "running", stage="Watch")
                await harness.until_timer_set(release)
                with within(tracer.begin("request")):
                    await send(harness, watching, Control.ADVANCE)
                await harness.result(harness.handle(release))

    with tracing(monkeypatch) as (tracer, traces):
        asyncio.run(scenario(tracer))
        [change], progress = traces.wait_for(CHANGE), traces.wait_for("RunActivity:record_progress")[0]

        assert traces.path_of(change) == [CHANGE, WAKE]
        assert not traces.named(WAKE)[0].span.links
        assert traces.path_of(progress)[1:] == ["HandleUpdate:advance", "StartWorkflowUpdate:advance", "request"]
