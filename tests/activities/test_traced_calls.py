"""Spans of the calls that leave by another way than HTTP: commands of git, and queries of a source of metrics."""

import time
from pathlib import Path

import pytest

from activities.metrics.adapter import Deadline
from activities.metrics.rows import Row
from activities.metrics.sql import SqlSource
from activities.otlp_tracer import OtlpTracer
from activities.providers.flagd.git_command import GitCommand
from activities.tracing import within
from domain.metrics.metric import Metric, MetricQuestion
from tests.traces import receiving_traces
from tests.waiting import CEILING
from tests.world import NOW

SECRET = "none-of-anybodys-business"  # noqa: S105 (of no one)
METRIC = Metric(key="orders", source="shop", query=f"SELECT 1 -- {SECRET}")
QUESTION = MetricQuestion(project="shop", metric="orders", feature="checkout", environment="production", since=NOW, at=NOW)


def test_commands_and_queries_are_spans_without_what_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_query: object, _most: int, _deadline: Deadline) -> list[Row]:
        return [{"value": 1}]

    git = GitCommand(tmp_path / "repository", "file", "Flaghoist <flaghoist@shop.test>", CEILING)
    git.repository.mkdir()
    with receiving_traces() as traces:
        for name, value in traces.environment.items():
            monkeypatch.setenv(name, value)
        tracer = OtlpTracer("tests")
        with within(tracer.begin("work")):
            git.ask("init", f"--initial-branch={SECRET}", deadline=time.monotonic() + CEILING)
            SqlSource(read).ask(METRIC, QUESTION, Deadline(CEILING))
        tracer.close()

        (command,), (query,) = traces.named("git init"), traces.named("query source")
        assert traces.path_of(command) == ["git init", "work"]
        assert traces.path_of(query) == ["query source", "work"]
        assert query.attributes == {"flaghoist.source": "shop", "flaghoist.metric": "orders"}
        assert SECRET.encode() not in traces.bodies
