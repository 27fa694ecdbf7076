"""Controls: a person pauses, hurries, passes over and repeats stages, also while one of them acts."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType

from activities.commands.pause_remove import EndOrPauseRelease, pause_release
from activities.store.database import Database
from activities.store.tables import projects
from domain.access import Person
from domain.errors import ControlNotAllowed, Invalid, OwnerUnknown, StageMoved
from domain.releases.control import Control, Expected
from domain.releases.release import Release
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.waiting import CEILING, wait_until
from tests.workflows.gates import until_place
from tests.workflows.harness import Stand, real_stand
from workflows.messages import RestartRelease, SteerRelease

THREE = pipeline(
    stage("Development", actions=[set_value("one")]),
    stage("Staging", "staging", "1h", [set_value("two")]),
    stage("Production", "production", "1s", [enable(), set_value("three")]),
)


def by_olivia(stand: Stand) -> Person:
    caller = stand.world.caller
    return Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)


async def steer(stand: Stand, release: Release, control: Control, update: str = "", **more: object) -> Release:
    """Send a control, and return the record, which shows its effect at once."""
    kind = RestartRelease if control is Control.RESTART else SteerRelease
    message = kind.model_validate({"by": by_olivia(stand), "reason": "to try"} | more)
    await stand.until_answered(release, control, message, update or f"{control}/{release.sequence}")
    return stand.record(release)


async def pause(stand: Stand, release: Release, at: datetime | None = None) -> Release:
    """Pause as the API does, by the record alone, and tell the workflow."""
    with stand.world.database.transaction() as store:
        wanted = EndOrPauseRelease(release=release.id, reason="lunch")
        moment = at or datetime.now(tz=UTC)
        paused = pause_release(store, stand.world.caller, stand.world.project, wanted, moment)
    await stand.delivery.deliver()
    return paused


async def in_staging(stand: Stand) -> Release:
    """A release whose second stage waits an hour."""
    stand.world.publish(THREE)
    release = await stand.add()
    waiting = await stand.until(release, "running", stage="Staging")
    await stand.until_waiting(release)
    return waiting


async def place_of(stand: Stand, release: Release) -> dict[str, object]:
    place: dict[str, object] = await stand.handle(release).query("place")
    return place


async def until_paused(stand: Stand, release: Release) -> None:
    """Return once the workflow has heard of the pause."""
    await until_place(stand, release, "paused")


def outcomes(stand: Stand, release: Release) -> list[tuple[str, str]]:
    stages = [each["name"] for each in THREE["stages"]]
    return [(stages[run.stage_index], run.outcome.value) for run in stand.runs(release)]


def test_a_pause_stops_the_clock_and_a_resume_lets_it_go_on(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            assert waiting.acts_at

            paused = await pause(stand, waiting)
            assert paused.paused
            assert (paused.status, paused.acts_at) == ("paused", None)
            assert paused.paused.remaining == waiting.acts_at - paused.paused.since
            await until_paused(stand, waiting)
            await asyncio.sleep(1)

            resumed = await steer(stand, waiting, Control.RESUME)
            assert resumed.status == "running"
            assert resumed.acts_at
            assert (resumed.visit, resumed.entered_at, resumed.paused) == (waiting.visit, waiting.entered_at, None)
            assert timedelta(seconds=1) < resumed.acts_at - waiting.acts_at <= datetime.now(tz=UTC) - paused.paused.since
            assert datetime.fromisoformat(str((await place_of(stand, waiting))["acts_at"])) == resumed.acts_at

    asyncio.run(story())


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=3), timedelta(minutes=-3)])
def test_a_pause_by_a_wrong_clock_neither_shortens_nor_lengthens_a_wait(sqlite: Database, wrong_by: timedelta) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            assert waiting.acts_at
            assert waiting.entered_at
            await pause(stand, waiting, datetime.now(tz=UTC) + wrong_by)
            await until_paused(stand, waiting)

            resumed = await steer(stand, waiting, Control.RESUME)

            assert resumed.acts_at
            assert timedelta(0) <= resumed.acts_at - waiting.acts_at <= datetime.now(tz=UTC) - waiting.entered_at

    asyncio.run(story())


def test_a_pause_holds_a_stage_that_comes_due_before_its_workflow_has_heard(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Development", wait="1s", actions=[set_value("one")])))
            release = await stand.add()
            with stand.world.database.transaction() as store:
                pause_release(store, stand.world.caller, stand.world.project, EndOrPauseRelease(release=release.id), datetime.now(tz=UTC))
            await asyncio.sleep(1.5)

            async with stand.worker():
                await until_paused(stand, release)
                assert stand.record(release).status == "paused"
                assert stand.changes(release) == []

                await steer(stand, release, Control.RESUME)
                await stand.until(release, "completed")
            assert stand.world.flag("development").value == "one"

    asyncio.run(story())


def test_a_release_paused_before_it_has_started_keeps_its_whole_wait(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="1h")))
            release = stand.world.add()

            paused = await pause(stand, release)
            assert paused.paused
            assert paused.paused.remaining == timedelta(hours=1)

            async def resume() -> datetime | None:
                """Resume it. The control is refused until the workflow has started."""
                with suppress(ControlNotAllowed):
                    return (await steer(stand, release, Control.RESUME)).acts_at
                return None

            began = datetime.now(tz=UTC)
            acts_at = await wait_until("the workflow to start", resume)
            assert began <= acts_at - timedelta(hours=1) <= datetime.now(tz=UTC)

    asyncio.run(story())


def test_advancing_cuts_a_wait_short(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            await steer(stand, waiting, Control.ADVANCE)

            await stand.until(waiting, "completed")
            assert outcomes(stand, waiting) == [("Development", "acted"), ("Staging", "acted"), ("Production", "acted")]

    asyncio.run(story())


def test_a_skipped_stage_does_not_act_and_the_next_one_is_entered(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            skipped = await steer(stand, waiting, Control.SKIP, expected=Expected(stage="staging", visit=waiting.visit))
            assert (skipped.stage, skipped.visit) == ("Production", waiting.visit + 1)

            await stand.until(waiting, "completed")
            assert outcomes(stand, waiting) == [("Development", "acted"), ("Staging", "skipped"), ("Production", "acted")]
            assert stand.world.flag("staging").value == "classic"

    asyncio.run(story())


def test_skipping_the_last_stage_completes_the_release(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development"), hold("Watch", "1h")))
            release = await stand.add()
            watching = await stand.until(release, "running", stage="Watch")

            assert (await steer(stand, watching, Control.SKIP)).status == "completed"
            assert await asyncio.wait_for(stand.handle(release).result(), CEILING) == {"status": "completed"}

    asyncio.run(story())


def test_a_restart_goes_back_undoes_nothing_and_acts_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            again = await steer(stand, waiting, Control.RESTART, stage="development")
            assert again.visit == waiting.visit + 1
            assert stand.world.flag("development").value == "one"

            returned = await stand.until(waiting, "running", stage="Staging")
            assert returned.visit == waiting.visit + 2
            assert outcomes(stand, waiting) == [
                ("Development", "acted"),
                ("Staging", "skipped"),
                ("Development", "unchanged"),
                ("Staging", "pending"),
            ]
            for wrong in ("Production", "Moon"):
                with pytest.raises(Invalid):
                    await steer(stand, returned, Control.RESTART, wrong, stage=wrong)

    asyncio.run(story())


def test_whoever_steers_answers_for_the_release_and_is_in_the_audit_log(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)
            await steer(stand, waiting, Control.SKIP)
            await stand.until(waiting, "completed")

            entry = next(entry for entry in stand.audit(waiting) if entry.event == "stage.skipped")
            assert (entry.actor.owner, entry.reason, entry.stage) == ("olivia", "to try", "Staging")

    asyncio.run(story())


def test_a_control_sent_where_the_release_no_longer_stands_is_refused(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            with pytest.raises(StageMoved):
                await steer(stand, waiting, Control.SKIP, "a", expected=Expected(visit=1))
            with pytest.raises(ControlNotAllowed) as refused:
                await steer(stand, waiting, Control.RESUME)
            assert refused.value.details["allowed"] == ["pause", "advance", "skip", "restart", "rollback", "remove"]
            assert stand.record(waiting) == waiting

    asyncio.run(story())


def test_a_control_of_nobody_who_is_known_is_refused_and_the_release_goes_on_waiting(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            with pytest.raises(OwnerUnknown):
                await steer(stand, waiting, Control.SKIP, by=Person(key="k", owner="nobody", owner_id="none"))

            assert stand.record(waiting) == waiting
            assert (await steer(stand, waiting, Control.SKIP, "known")).stage == "Production"

    asyncio.run(story())


def test_a_control_sent_twice_is_settled_once(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            waiting = await in_staging(stand)

            await asyncio.gather(*(steer(stand, waiting, Control.RESTART, "once", stage="Staging") for _ in range(3)))

            assert stand.record(waiting).visit == waiting.visit + 1

    asyncio.run(story())


@contextmanager
def nobody_changes_flags(database: Database) -> Iterator[None]:
    """What changes flags waits for their project, and gives up; what steers releases does not."""
    with database.engine.begin() as connection:
        connection.execute(select(projects.c.id).with_for_update())
        yield


def test_a_stage_whose_change_cannot_be_made_is_called_off_by_skipping_it(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            first = stage("Development", wait="1h", actions=[set_value("one")])
            stand.world.publish(pipeline(first, stage("Staging", "staging", "1h")))
            release = await stand.add()
            await stand.until_waiting(release)
            with nobody_changes_flags(database):
                await steer(stand, release, Control.ADVANCE)
                await stand.until_acting(release)

                skipped = await steer(stand, release, Control.SKIP)

            assert (skipped.stage, skipped.status) == ("Staging", "running")
            await stand.until_idle(release)
            assert stand.changes(release) == []
            assert stand.world.flag("development").value == "classic"

    asyncio.run(story())
    database.close()


def test_a_change_made_while_it_is_called_off_counts_as_made(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Development", actions=[set_value("one")]), stage("Staging", "staging", "1h")))
            release = await stand.add()
            with sqlite.transaction():
                await workers.enter_async_context(stand.worker())
                await stand.until_acting(release)
                skipping = asyncio.create_task(steer(stand, release, Control.SKIP, expected=Expected(visit=1)))
                await stand.until_event(stand.handle(release), EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)

            with pytest.raises(StageMoved):
                await skipping
            moved = await stand.until(release, "running", stage="Staging")
            assert moved.visit == 2
            assert [run.outcome for run in stand.runs(release)] == ["acted", "pending"]

    asyncio.run(story())
