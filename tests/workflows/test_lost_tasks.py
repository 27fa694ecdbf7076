"""Workflow tasks that recorded their steps and were lost before Temporal heard of it: the release goes on from the record."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from activities.messages import Advanced, HeldBack, HoldEnded, Recorded, Restarted, Resumed, Skipped, Step
from activities.store.database import Database
from domain.errors import Refusal
from domain.pipelines.trigger import WaitFor
from domain.releases.control import Control, Expected
from domain.releases.release import NextStage, Release
from tests.activities.acting import record
from tests.pipelines import hold, pipeline, set_value, stage
from tests.workflows.gates import lift, place, until_at_rest
from tests.workflows.harness import Stand, real_stand
from tests.workflows.test_blocked import by_olivia
from tests.workflows.test_controls import pause, steer, until_paused
from workflows.messages import SteerRelease

HOUR = timedelta(hours=1)
LADDER = pipeline(hold("Watch", "1h"), hold("Watch on", "1h"), stage("Production", "production", "1s", [set_value("one")]))


def to_enter(index: int) -> NextStage:
    there = LADDER["stages"][index]
    trigger = WaitFor(type="WAIT_FOR", duration=timedelta(seconds=1) if index == 2 else HOUR)
    return NextStage(index=index, name=there["name"], environment=there["environment"], trigger=trigger)


def lose(stand: Stand, release: Release, *steps: Step) -> None:
    """What a workflow task does that is lost: its steps are recorded, and Temporal does not hear of them."""
    for step in steps:
        assert isinstance(record(stand.world, release, step, datetime.now(UTC)), Recorded)


def hold_ended(following: int) -> HoldEnded:
    return HoldEnded(entered_at=datetime.now(UTC), acts_at=datetime.now(UTC), next=to_enter(following))


async def waiting_in_watch(stand: Stand) -> Release:
    stand.world.publish(LADDER)
    release = await stand.add()
    waiting = await stand.until(release, "running")
    await stand.until_waiting(release)
    return waiting


async def whatever(stand: Stand, release: Release) -> None:
    """A control of which the outcome does not matter: it lets the workflow meet the record."""
    message = SteerRelease(by=by_olivia(stand).by, reason="now", expected=Expected(visit=1))
    with pytest.raises(Refusal, match="gone on meanwhile"):
        await stand.releases.steer(release, Control.ADVANCE, message, "meets")


@pytest.mark.parametrize(
    ("lost", "stage_index"),
    [
        (lambda _by: [hold_ended(1)], 1),
        (lambda _by: [hold_ended(1), hold_ended(2)], 2),
        (lambda by: [Restarted(by=by, stage=to_enter(0))], 0),
        (lambda by: [Skipped(by=by, next=to_enter(1)), Advanced(by=by)], 2),
    ],
)
def test_a_release_goes_on_from_what_a_lost_task_recorded(sqlite: Database, lost: Callable[[object], list[Step]], stage_index: int) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await waiting_in_watch(stand)
            lose(stand, release, *lost(by_olivia(stand).by))

            await whatever(stand, release)

            now = await stand.until(release, "running", stage=LADDER["stages"][stage_index]["name"])
            while now.stage != "Production":
                await steer(stand, now, Control.SKIP)
                now = stand.record(release)
            await stand.until(release, "completed")
            assert [change.stage for change in stand.changes(release)] == ["Production"]

    asyncio.run(story())


def test_a_resume_that_a_lost_task_recorded_is_known_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            release = await waiting_in_watch(stand)
            paused = await pause(stand, release)
            await until_paused(stand, release)
            lose(stand, release, Resumed(by=by_olivia(stand).by, entered_at=paused.entered_at or datetime.now(UTC)))

            with pytest.raises(Refusal, match="gone on meanwhile"):
                await steer(stand, release, Control.SKIP)

            resumed = stand.record(release)
            assert (resumed.status, resumed.paused) == ("running", None)
            await steer(stand, resumed, Control.SKIP, "again")
            assert stand.record(release).stage == "Watch on"

    asyncio.run(story())


def test_what_a_lost_task_hurried_and_a_stop_held_acts_once_that_is_lifted(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(hold("Watch", "1h")))
            release = await stand.add()
            await stand.until_waiting(release)
            stop = place(stand)
            lose(stand, release, Advanced(by=by_olivia(stand).by))
            ended = HoldEnded(entered_at=datetime.now(UTC), acts_at=datetime.now(UTC))
            assert isinstance(record(stand.world, release, ended, datetime.now(UTC)), HeldBack)

            with pytest.raises(Refusal, match="gone on meanwhile"):
                await steer(stand, release, Control.SKIP)
            await until_at_rest(stand, release)
            with pytest.raises(Refusal, match="a gate can't be cut short"):
                await steer(stand, release, Control.ADVANCE)

            await lift(stand, stop)
            await stand.until(release, "completed")

    asyncio.run(story())
