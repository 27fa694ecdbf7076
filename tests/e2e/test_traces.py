"""Traces: from a request, or a timer, through the outbox, the workflow and the activity to the SQL statement and the HTTP call."""

from pathlib import Path

import pytest

from tests.e2e.stack import running_stack
from tests.pipelines import pipeline, set_value, stage
from tests.traces import receiving_traces
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e

ADD = "POST /api/v1/projects/{project}/releases"
CHANGE = "RunActivity:change_flag"


def test_one_trace_leads_from_the_request_to_the_sql_of_its_stage(tmp_path: Path, database_url: str) -> None:
    with receiving_traces() as traces, running_stack(tmp_path, database_url, environment=traces.environment) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development", actions=[set_value("a-secret-value")])))
        release = stack.api.add()["id"]
        stack.api.wait_for_release(release, "completed")
        change = traces.wait_for(CHANGE)[0]
        traces.wait_for(ADD)

        assert traces.path_of(change) == [CHANGE, "RunWorkflow:Release", "StartWorkflow:Release", "outbox start", "transaction", ADD]
        wait_for("its statements", lambda: [each for each in traces.spans if each.name == "UPDATE releases" and each.trace == change.trace])
        statement = next(each for each in traces.named("UPDATE releases") if traces.path_of(each)[1:3] == ["transaction", CHANGE])
        assert "SET" in str(statement.attributes["db.query.text"])
