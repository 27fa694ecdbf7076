"""Watches of guarded stages, with a real Temporal: breaches while it is up and down, and workers that die."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.metrics.check import CheckAnswer
from domain.metrics.condition import Outcome
from domain.releases.control import Control
from domain.releases.release import Release
from tests.pipelines import enable, hold, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import wait_until
from tests.workflows.controls import send
from tests.workflows.gates import until_held
from tests.workflows.harness import Harness, dev_server_harness
from workflows import policies

GOOD, BAD = 0.001, 0.2
ENOUGH = {"type": "THRESHOLD", "at_most": 0.01}


def errors(**more: Any) -> dict[str, Any]:
    usual = {"name": "Errors", "metric": "error-rate", "condition": ENOUGH, "stages": ["Everyone"], "on_breach": "rollback"}
    return usual | {"every": "1s", "failures": 1} | more


def guarded(wait: str, *guardrails: dict[str, Any], gates: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    beta = stage("Beta users", "production", actions=[enable("beta-users")])
    everyone = stage("Everyone", "production", wait) | {"gates": list(gates)}
    return pipeline(beta, everyone, hold("Watch", "1s"), guardrails=list(guardrails))


async def until_sampled(metrics: ScriptedMetrics, more: int = 1) -> None:
    """Wait until that many more questions were asked."""
    before = len(metrics.asked)
    await wait_until("a sample", lambda: len(metrics.asked) >= before + more)


async def events(harness: Harness, release: Release) -> list[Any]:
    return list((await harness.handle(release).fetch_history()).events)


def test_breach_during_a_soak_rolls_back_and_ends_the_workflow(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = GOOD
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            before = harness.world.flag("production")
            harness.world.publish(guarded("1h", errors()))
            release = await harness.add()
            await harness.until(release, "running", stage="Everyone")
            await until_sampled(metrics)
            assert harness.world.flag("production") != before

            metrics.values["error-rate"] = BAD
            await harness.until(release, "rolled_back")
            assert harness.world.flag("production") == before
            await harness.run_outbox()
            result = await harness.result(harness.handle(release))

            assert result["status"] == "rolled_back"
            assert [entry.event for entry in harness.audit(release)].count(AuditEvent.GUARDRAIL_BREACHED) == 1

    asyncio.run(scenario())


def test_soak_of_any_length_costs_ten_events_at_most(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = GOOD
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("8s", errors(), errors(name="Again", shadow=True)))
            release = await harness.add()
            await harness.until(release, "completed")
            await harness.result(harness.handle(release))

            watching = [
                event
                for event in await events(harness, release)
                if event.event_type
                in (
                    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
                    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
                    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
                    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
                    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
                    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
                )
            ]
            assert len(metrics.asked) >= 4
            assert len(watching) <= 7  # Three are those of the change itself, which is no local activity.

    asyncio.run(scenario())


def test_breach_is_taken_while_temporal_is_down(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = GOOD
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            before = harness.world.flag("production")
            harness.world.publish(guarded("1h", errors()))
            release = await harness.add()
            await harness.until(release, "running", stage="Everyone")
            await until_sampled(metrics)

            await harness.env.shutdown()
            metrics.values["error-rate"] = BAD
            await harness.until(release, "rolled_back")

            assert harness.world.flag("production") == before

    asyncio.run(scenario())


def test_watch_goes_on_for_as_long_as_temporal_is_down(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK ends an activity some seconds after its heartbeat was last heard."""
    monkeypatch.setitem(policies.WATCH_OPTIONS, "heartbeat_timeout", timedelta(seconds=1))

    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = GOOD
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1h", errors()))
            release = await harness.add()
            await harness.until(release, "running", stage="Everyone")
            await until_sampled(metrics)

            await harness.env.shutdown()
            await until_sampled(metrics, 12)
            metrics.values["error-rate"] = BAD
            await harness.until(release, "rolled_back")

    asyncio.run(scenario())


def test_release_acts_only_after_its_metric_passes(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = BAD
        gate = {"type": "METRIC", "metric": "error-rate", "condition": ENOUGH, "every": "1s"}
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1s", gates=[gate]))
            release = await harness.add()
            await until_held(harness, release, "metric")
            await until_sampled(metrics, 2)
            assert not harness.world.flag("production").enabled

            metrics.values["error-rate"] = GOOD
            await wait_until("a wake-up", lambda: _run_outbox(harness))
            await harness.until(release, "completed")
            assert harness.world.flag("production").enabled

    asyncio.run(scenario())


async def _run_outbox(harness: Harness) -> bool:
    await harness.relay.run_pending()
    with harness.world.database.reading() as store:
        releases = store.releases.unfinished_in(harness.world.project.id)
    return not releases or releases[0].held is None


def test_release_acts_once_a_check_passes(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.FAIL, message="A deployment is running.")
        gate = {"type": "CHECK", "source": "deploys", "path": "/ready", "every": "1s"}
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1s", gates=[gate]))
            release = await harness.add()
            _, held = await until_held(harness, release, "check")
            assert "A deployment is running." in held.message
            await until_sampled(metrics, 2)

            metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.PASS, message="Ready.")
            await wait_until("a wake-up", lambda: _run_outbox(harness))
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_release_acts_once_its_guardrail_and_its_check_pass(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = BAD
        metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.FAIL, message="A deployment is running.")
        gate = {"type": "CHECK", "source": "deploys", "path": "/ready", "every": "1s"}
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1s", errors(failures=20), gates=[gate]))
            release = await harness.add()
            await until_held(harness, release, "guardrail")

            metrics.values["error-rate"] = GOOD
            metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.PASS, message="Ready.")
            await wait_until("a wake-up", lambda: _run_outbox(harness))
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_advancing_does_not_bypass_a_guardrail(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1h", errors()))
            release = await harness.add()
            await harness.until(release, "running", stage="Everyone")

            await send(harness, release, Control.ADVANCE)
            _, held = await until_held(harness, release, "guardrail")

            assert "no data" in held.message
            assert not harness.world.flag("production").enabled

    asyncio.run(scenario())


def test_watch_goes_on_with_the_next_worker(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = GOOD
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(guarded("1h", errors(failures=2)))
            release = await harness.add()
            async with harness.worker(metrics=metrics):
                await harness.until(release, "running", stage="Everyone")
                await until_sampled(metrics)
                metrics.values["error-rate"] = BAD
                await until_sampled(metrics)
            async with harness.worker(metrics=metrics):
                await harness.until(release, "rolled_back")

    asyncio.run(scenario())


def test_paused_release_is_watched_too(sqlite: Database) -> None:
    async def scenario() -> None:
        metrics = ScriptedMetrics()
        metrics.values["error-rate"] = BAD
        async with dev_server_harness(sqlite) as harness, harness.worker(metrics=metrics):
            harness.world.publish(guarded("1h", errors(on_breach="pause"), errors(name="Worse", failures=3)))
            release = await harness.add()
            await harness.until(release, "paused")
            await harness.until(release, "rolled_back")

    asyncio.run(scenario())
