"""Controls that move a release: advance, skip and restart."""

import asyncio

import pytest

from activities.store.database import Database
from domain.access import Person
from domain.errors import ControlNotAllowed, Invalid, OwnerUnknown, StageMoved
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.pipelines import hold, pipeline, stage
from tests.workflows.controls import THREE_STAGES, send, waiting_in_staging
from tests.workflows.harness import Harness, dev_server_harness


def outcomes(harness: Harness, release: Release) -> list[tuple[str, str]]:
    stages = [each["name"] for each in THREE_STAGES["stages"]]
    return [(stages[run.stage_index], run.outcome.value) for run in harness.runs(release)]


def test_advance_cuts_a_wait_short(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            await send(harness, waiting, Control.ADVANCE)

            await harness.until(waiting, "completed")
            assert outcomes(harness, waiting) == [("Development", "acted"), ("Staging", "acted"), ("Production", "acted")]

    asyncio.run(scenario())


def test_skipped_stage_does_not_act_and_the_next_one_is_entered(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            skipped = await send(harness, waiting, Control.SKIP, expected=Expected(stage="staging", visit=waiting.visit))
            assert (skipped.stage, skipped.visit) == ("Production", waiting.visit + 1)

            await harness.until(waiting, "completed")
            assert outcomes(harness, waiting) == [("Development", "acted"), ("Staging", "skipped"), ("Production", "acted")]
            assert harness.world.flag("staging").value == "classic"

    asyncio.run(scenario())


def test_skipping_the_last_stage_completes_the_release(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            release = await harness.add()
            watching = await harness.until(release, "running", stage="Watch")
            await harness.until_timer_set(release)

            assert (await send(harness, watching, Control.SKIP)).status == "completed"
            assert await harness.result(harness.handle(release)) == {"status": "completed"}

    asyncio.run(scenario())


def test_restart_returns_to_a_stage_without_undoing_anything_and_the_stage_acts_again(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            again = await send(harness, waiting, Control.RESTART, stage="development")
            assert again.visit > waiting.visit
            assert harness.world.flag("development").value == "one"

            returned = await harness.until(waiting, "running", stage="Staging")
            assert returned.visit == waiting.visit + 2
            assert outcomes(harness, waiting) == [
                ("Development", "acted"),
                ("Staging", "skipped"),
                ("Development", "unchanged"),
                ("Staging", "pending"),
            ]
            await harness.until_timer_set(waiting)
            for unreachable in ("Production", "Moon"):
                with pytest.raises(Invalid):
                    await send(harness, returned, Control.RESTART, unreachable, stage=unreachable)

    asyncio.run(scenario())


def test_audit_log_names_the_person_who_sent_a_control(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)
            await send(harness, waiting, Control.SKIP)
            await harness.until(waiting, "completed")

            entry = next(entry for entry in harness.audit(waiting) if entry.event == "stage.skipped")
            assert (entry.actor.owner, entry.reason, entry.stage) == ("olivia", "to try", "Staging")

    asyncio.run(scenario())


def test_control_that_does_not_fit_the_current_stage_is_refused(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            with pytest.raises(StageMoved):
                await send(harness, waiting, Control.SKIP, "a", expected=Expected(visit=1))
            with pytest.raises(ControlNotAllowed) as refused:
                await send(harness, waiting, Control.RESUME)
            assert refused.value.details["allowed"] == ["pause", "advance", "skip", "restart", "rollback", "remove"]
            assert harness.record(waiting) == waiting

    asyncio.run(scenario())


def test_control_of_an_unknown_owner_is_refused_and_the_release_keeps_waiting(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            with pytest.raises(OwnerUnknown):
                await send(harness, waiting, Control.SKIP, by=Person(key="k", owner="nobody", owner_id="none"))

            assert harness.record(waiting) == waiting
            assert (await send(harness, waiting, Control.SKIP, "known")).stage == "Production"

    asyncio.run(scenario())


def test_control_sent_three_times_is_handled_once(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            waiting = await waiting_in_staging(harness)

            await asyncio.gather(*(send(harness, waiting, Control.RESTART, "once", stage="Staging") for _ in range(3)))

            assert harness.record(waiting).visit == waiting.visit + 1

    asyncio.run(scenario())
