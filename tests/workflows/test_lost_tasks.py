"""Workflow tasks whose steps were recorded but never reached Temporal: the release continues from the record."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from activities.messages import Advanced, HeldBack, HoldEnded, Recorded, Restarted, Resumed, Skipped, Step
from activities.store.database import Database
from domain.access import Person
from domain.errors import Refusal
from domain.pipelines.trigger import WaitFor
from domain.releases.control import Control, Expected
from domain.releases.release import NextStage, NextStep, Release
from tests.activities.acting import act, change, command_for, record
from tests.pipelines import hold, pipeline, rollout, set_value, stage
from tests.workflows.controls import olivia, pause, send, until_paused
from tests.workflows.gates import add_stop, lift, until_held_in_workflow
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.resets import recorded_effects, reset

HOUR = timedelta(hours=1)
PIPELINE = pipeline(hold("Watch", "1h"), hold("Watch on", "1h"), stage("Production", "production", "1s", [set_value("one")]))
MOVED_ON = "has moved on"


def next_stage(index: int) -> NextStage:
    written = PIPELINE["stages"][index]
    trigger = WaitFor(type="WAIT_FOR", duration=timedelta(seconds=1) if index == 2 else HOUR)
    return NextStage(index=index, name=written["name"], environment=written["environment"], trigger=trigger)


def hold_ended(following: int) -> HoldEnded:
    return HoldEnded(entered_at=datetime.now(UTC), acts_at=datetime.now(UTC), next=next_stage(following))


def record_lost(harness: Harness, release: Release, *steps: Step) -> None:
    """Record steps as a lost workflow task does, without Temporal."""
    for step in steps:
        assert isinstance(record(harness.world, release, step, datetime.now(UTC)), Recorded)


async def waiting_in_watch(harness: Harness) -> Release:
    harness.world.publish(PIPELINE)
    release = await harness.add()
    waiting = await harness.until(release, "running")
    await harness.until_timer_set(release)
    return waiting


async def meet_record(harness: Harness, release: Release) -> None:
    """Send a control so that the workflow meets the record. Its result does not matter."""
    with pytest.raises(Refusal, match=MOVED_ON):
        await send(harness, release, Control.ADVANCE, expected=Expected(visit=1))


@pytest.mark.parametrize(
    ("lost", "stage_index"),
    [
        (lambda _by: [hold_ended(1)], 1),
        (lambda _by: [hold_ended(1), hold_ended(2)], 2),
        (lambda by: [Restarted(by=by, stage=next_stage(0))], 0),
        (lambda by: [Skipped(by=by, next=next_stage(1)), Advanced(by=by)], 2),
    ],
)
def test_release_continues_from_the_steps_of_a_lost_task(sqlite: Database, lost: Callable[[Person], list[Step]], stage_index: int) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await waiting_in_watch(harness)
            record_lost(harness, release, *lost(olivia(harness)))

            await meet_record(harness, release)

            current = await harness.until(release, "running", stage=PIPELINE["stages"][stage_index]["name"])
            while current.stage != "Production":
                current = await send(harness, current, Control.SKIP)
            await harness.until(release, "completed")
            assert [change.stage for change in harness.changes(release)] == ["Production"]

    asyncio.run(scenario())


@pytest.mark.parametrize("stages", [1, 2])
def test_release_continues_from_the_changes_of_a_lost_task(sqlite: Database, stages: int) -> None:
    """A task that is done again asks for its own changes again. One that reads the record first finds them there."""

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            changing = [stage(f"Stage {number}", "staging", actions=[set_value(f"{number}")]) for number in range(2)]
            harness.world.publish(pipeline(stage("Wait", wait="1h"), *changing, hold("Watch", "1h")))
            release = await harness.add()
            await harness.until(release, "running")
            await harness.until_timer_set(release)
            record_lost(harness, release, Advanced(by=olivia(harness)))
            for _ in range(stages):
                act(harness.world, release, datetime.now(UTC))

            with pytest.raises(Refusal, match=MOVED_ON):
                await send(harness, release, Control.SKIP)

            watching = await harness.until(release, "running", stage="Watch")
            await send(harness, watching, Control.ADVANCE, "again")
            await harness.until(release, "completed")
            assert [change.stage for change in harness.changes(release)] == ["Wait", "Stage 0", "Stage 1"]

    asyncio.run(scenario())


def test_release_continues_from_a_rollout_that_a_lost_task_resumed_and_stepped(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            ramp = stage("Ramp", "production", "1h", [rollout(50, 50, "1s")])
            harness.world.publish(pipeline(ramp))
            release = await harness.add()
            await harness.until(release, "running")
            await harness.until_timer_set(release)
            paused = await pause(harness, release)
            await until_paused(harness, release)
            record_lost(
                harness,
                release,
                Resumed(by=olivia(harness), entered_at=paused.entered_at or datetime.now(UTC)),
                Advanced(by=olivia(harness)),
            )
            change(
                harness.world,
                command_for(harness.world, release, next_step=NextStep(step=2, every=timedelta(seconds=1))),
                datetime.now(UTC),
            )

            with pytest.raises(Refusal, match=MOVED_ON):
                await send(harness, release, Control.SKIP, expected=Expected(visit=1))

            await harness.until(release, "completed")
            assert [each.step for each in harness.changes(release)] == [1, 2]

    asyncio.run(scenario())


def test_workflow_reset_to_its_end_passes_the_steps_of_a_lost_task_as_its_first_run_did(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await waiting_in_watch(harness)
            record_lost(harness, release, hold_ended(1), hold_ended(2))
            await meet_record(harness, release)
            await harness.until(release, "completed")
            await harness.result(harness.handle(release))
            before = recorded_effects(harness, release)

            await reset(harness, harness.handle(release), to_last_task=True)

            assert await harness.result(harness.handle(release)) == {"status": "completed"}
            assert recorded_effects(harness, release) == before

    asyncio.run(scenario())


def test_release_continues_from_a_resume_of_a_lost_task(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            release = await waiting_in_watch(harness)
            paused = await pause(harness, release)
            await until_paused(harness, release)
            record_lost(harness, release, Resumed(by=olivia(harness), entered_at=paused.entered_at or datetime.now(UTC)))

            with pytest.raises(Refusal, match=MOVED_ON):
                await send(harness, release, Control.SKIP)

            resumed = harness.record(release)
            assert (resumed.status, resumed.paused) == ("running", None)
            await send(harness, resumed, Control.SKIP, "again")
            assert harness.record(release).stage == "Watch on"

    asyncio.run(scenario())


def test_hold_advanced_by_a_lost_task_ends_once_its_stop_is_lifted(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(hold("Watch", "1h")))
            release = await harness.add()
            await harness.until_timer_set(release)
            stop = add_stop(harness)
            record_lost(harness, release, Advanced(by=olivia(harness)))
            ended = HoldEnded(entered_at=datetime.now(UTC), acts_at=datetime.now(UTC))
            assert isinstance(record(harness.world, release, ended, datetime.now(UTC)), HeldBack)

            with pytest.raises(Refusal, match=MOVED_ON):
                await send(harness, release, Control.SKIP)
            await until_held_in_workflow(harness, release)
            with pytest.raises(Refusal, match="does not bypass a gate"):
                await send(harness, release, Control.ADVANCE)

            await lift(harness, stop)
            await harness.until(release, "completed")

    asyncio.run(scenario())
