"""Traces: from a request through the outbox, the workflow and the activity to the SQL statement and the HTTP call."""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from activities.providers.sealing import new_secret_key
from tests.e2e.stack import Process, running_stack
from tests.http import OWNER_KEY
from tests.pipelines import hold, pipeline, set_value, stage
from tests.receiver import answering, receiving
from tests.traces import receiving_traces
from tests.waiting import CEILING, wait_for

pytestmark = pytest.mark.e2e

ADD = "POST /api/v1/projects/{project}/releases"
START = ["RunWorkflow:Release", "StartWorkflow:Release", "outbox start", "transaction", ADD]
CHANGE = "RunActivity:change_flag"
SECRET = "a-value-that-no-span-contains"  # noqa: S105 (it is a flag's value)


def _traces_in_log(process: Process, event: str) -> list[str]:
    lines = [json.loads(line) for line in process.log.read_text().splitlines() if line.startswith("{")]
    return [line["trace_id"] for line in lines if line["event"] == event]


def test_one_trace_leads_from_the_request_to_the_sql_of_its_stage(tmp_path: Path, database_url: str) -> None:
    logs = {"FLAGHOIST_LOG_LEVEL": "info", "FLAGHOIST_LOG_FORMAT": "json"}
    with receiving_traces() as traces, running_stack(tmp_path, database_url, environment=traces.environment | logs) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development", actions=[set_value(SECRET)])))
        release = stack.api.add()["id"]
        stack.api.wait_for_release(release, "completed")
        [change] = traces.wait_for(CHANGE)

        assert traces.path_of(change) == [CHANGE, *START]
        assert change.attributes | {"flaghoist.project": "shop", "flaghoist.release": release, "flaghoist.stage": "Development"} == (
            change.attributes
        )
        statements = wait_for("its statements", lambda: [each for each in traces.named("UPDATE releases") if each.trace == change.trace])
        assert [CHANGE, *START] in [traces.path_of(each)[2:] for each in statements]
        assert all("SET" in str(each.attributes["db.query.text"]) for each in statements)
        [added] = wait_for("the log of the API", lambda: _traces_in_log(stack.api_process, "release_added"))
        [made] = wait_for("the log of the worker", lambda: _traces_in_log(stack.worker, "change_made"))
        assert added == made == change.trace
        assert SECRET.encode() not in traces.bodies
        assert OWNER_KEY.encode() not in traces.bodies
        assert not traces.named("GET /readyz")


def test_call_of_a_webhook_is_a_span_without_its_path(tmp_path: Path, sqlite_url: str) -> None:
    with receiving_traces() as traces, receiving() as team, running_stack(tmp_path, sqlite_url, environment=traces.environment) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development")))
        stack.api.post("/projects/shop/webhooks", {"url": team.url(f"/{SECRET}"), "events": ["release.completed"]})
        stack.api.add()
        call = traces.wait_for("POST 127.0.0.1")[0]

        assert traces.path_of(call)[1] == "RunActivity:deliver_notices"
        assert call.attributes == {"http.request.method": "POST", "server.address": "127.0.0.1", "http.response.status_code": 204}
        assert SECRET.encode() not in traces.bodies


def test_killed_worker_repeats_no_span_of_an_encrypted_release(tmp_path: Path, sqlite_url: str) -> None:
    encrypted = {"FLAGHOIST_PAYLOAD_KEYS": new_secret_key()}
    with receiving_traces() as traces, running_stack(tmp_path, sqlite_url, environment=traces.environment | encrypted) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development"), hold("Watch", "5s"), stage("Production", "production")))
        release = stack.api.add()["id"]
        stack.api.wait_for_stage(release, "Watch")
        traces.wait_for(CHANGE)
        traces.wait_for("RunWorkflow:Release")

        stack.worker.kill()
        stack.worker.start()
        stack.api.wait_for_release(release, "completed")
        changes = traces.wait_for(CHANGE, 2)
        stack.worker.stop()  # It sends the spans that wait.

        assert traces.path_of(changes[0]) == [CHANGE, *START]
        assert [each.attributes["flaghoist.stage"] for each in changes] == ["Development", "Production"]
        assert len(traces.named("RunWorkflow:Release")) == 1
        assert len({each.id for each in traces.spans}) == len(traces.spans)


def test_receiver_that_hangs_delays_nothing(tmp_path: Path, sqlite_url: str) -> None:
    released = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        released.wait()
        answering(503)(request)

    with receiving_traces() as traces:
        # A process that waited for the receiver, or for a place in the queue, would never end.
        for_ever = {"OTEL_EXPORTER_OTLP_TIMEOUT": str(CEILING * 10), "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5"}
        traces.receiver.answer = hang
        try:
            with running_stack(tmp_path, sqlite_url, environment=traces.environment | for_ever) as stack:
                stack.api.make_project()
                stack.api.publish(pipeline(stage("Development")))
                stack.api.wait_for_release(stack.api.add()["id"], "completed")
                traces.receiver.wait_for(2)

                stack.worker.stop()
                stack.api_process.send(signal.SIGTERM)
                assert stack.api_process.running
                stack.api_process.running.wait(CEILING)
        finally:
            released.set()
