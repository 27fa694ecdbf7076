"""The watch of a stage, one look at a time: Temporal's activity is left out, and a rule of the machine samples instead."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from activities.guarding.recorder import SampleRecorder
from activities.guarding.sampling import Sampler
from activities.guarding.watching import Watch
from activities.store.database import Database
from activities.temporal_clock import TemporalClock
from activities.watch import WatchActivities
from activities.watch_messages import WatchStage
from domain.metrics.check import CheckAnswer
from domain.metrics.condition import Outcome
from domain.metrics.sample import Unknown
from domain.pipelines.guardrail import Guardrail
from domain.releases.release import Release
from tests.activities.experimenting import BETTER, SAME
from tests.scripted_metrics import NO_DATA, ScriptedMetrics
from workflows.service.watch_keeper import watch_of

EXPERIMENTS = {"wins": BETTER, "undecided": SAME, "unknown": {}}
"""The outcome of a look at the experiment -> its numbers."""

VALUES: dict[str, float | Unknown] = {"pass": 0.001, "fail": 0.2, "unknown": NO_DATA}


class IdleWatches(Interceptor):
    """Keeps the watches of stages from Temporal: one under way would keep the server from skipping time."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002 (the name is Temporal's)
        """Return the interceptor of workflows."""
        return _OfWorkflows


class _OfWorkflows(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> Any:  # noqa: A002 (the name is Temporal's)
        return asyncio.create_task(asyncio.Event().wait()) if input.activity == "watch_stage" else super().start_activity(input)


def answer(metrics: ScriptedMetrics, outcomes: Mapping[str, str]) -> None:
    """Let each metric have a value with its outcome."""
    for metric, outcome in outcomes.items():
        if metric == "conversion":
            metrics.groups[metric] = EXPERIMENTS[outcome]
            continue
        metrics.values[metric] = VALUES[outcome]
        metrics.checks[metric] = CheckAnswer(outcome=Outcome(outcome), message="As the test says.")


class Looks:
    """Takes single looks at stages, with everything that the real watch does at one."""

    def __init__(self, database: Database, metrics: ScriptedMetrics) -> None:
        self.database = database
        self.watches = WatchActivities(database, Sampler(metrics), ThreadPoolExecutor(2))
        self.watches.recorder = SampleRecorder(database, batch_seconds=0)

    async def look(self, release: Release, at: datetime, *, dies: bool = False) -> None:
        """Sample the release's stage once. With `dies`, the worker dies before it takes any breach."""
        if not (command := self._command(release)):
            return  # Nothing in its stage is sampled.
        watch = Watch(self.watches, command, TemporalClock(at))
        watch.observed, watch.whereabouts = watch._read()
        for key, rule in watch.stage.rules.items():
            if watch._has_left():
                return
            if dies and isinstance(rule, Guardrail):
                readings = await watch._ask(key, watch.clock.now())
                await self.watches.recorder.record(readings, watch.stage.rules)
            else:
                await watch._sample(key)

    def _command(self, release: Release) -> WatchStage | None:
        with self.database.reading() as store:
            record = store.releases.get(release.id)
            return watch_of(record, store.pipelines.version(record.pipeline.id))
