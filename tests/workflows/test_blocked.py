"""A refusal blocks a release until a person decides."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from activities.providers.catalogue import provider_of
from activities.store.database import Database
from domain.access import Person
from domain.audit import AuditEvent
from domain.errors import ControlNotAllowed, StageMoved
from domain.flags.patch import FlagPatch
from domain.releases.control import Control, Expected
from domain.releases.status import ReleaseStatus
from tests.pipelines import enable, pipeline, set_value, stage
from tests.waiting import CEILING, wait_until
from tests.workflows.harness import Stand, real_stand
from tests.world import NOW, World
from workflows.messages import ReleasePlace, RetryRelease

TWO_STAGES = pipeline(
    stage("Development", actions=[enable()]),
    stage("Production", "production", actions=[enable(), set_value("one-page")]),
)


def change_by_hand(world: World, patch: FlagPatch, environment: str = "production") -> None:
    with world.database.transaction() as store:
        provider_of(world.project, store).patch("checkout", environment, patch, NOW)


def by_olivia(stand: Stand, **control: object) -> RetryRelease:
    caller = stand.world.caller
    return RetryRelease(by=Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id), **control)


def test_a_field_changed_by_hand_blocks_until_a_person_overwrites_what_they_were_shown(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(TWO_STAGES)
            release = await stand.add()
            change_by_hand(stand.world, FlagPatch(value="by hand"))
            await workers.enter_async_context(stand.worker())

            blocked = await stand.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "flag_changed_by_hand"
            assert (blocked.blocked.details["seen"], blocked.blocked.details["now"]) == (
                {"enabled": False, "value": "classic"},
                {"enabled": False, "value": "by hand"},
            )
            assert stand.world.flag("production").enabled is False, "all or nothing"

            await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand), "plain")
            again = await stand.until(release, "blocked")
            assert again.sequence > blocked.sequence

            await stand.releases.steer(again, Control.RETRY, by_olivia(stand, overwrite=True), "overwrite")
            await stand.until(release, "completed")
            flag = stand.world.flag("production")
            assert (flag.enabled, flag.value) == (True, "one-page")
            assert [entry.event for entry in stand.audit(release)] == [
                AuditEvent.RELEASE_ADDED,
                AuditEvent.FLAG_CHANGED,
                AuditEvent.RELEASE_BLOCKED,
                AuditEvent.RELEASE_RETRIED,
                AuditEvent.RELEASE_BLOCKED,
                AuditEvent.RELEASE_RETRIED,
                AuditEvent.FLAG_CHANGED,
                AuditEvent.RELEASE_COMPLETED,
            ]

    asyncio.run(story())


def test_one_update_sent_twice_is_settled_once_also_after_continuing_as_new(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Production", "production"), stage("Later", "staging", "1h")))
            release = await stand.add()
            with sqlite.transaction() as store:
                store.keys.revoke(stand.world.key_id, NOW)
            await workers.enter_async_context(stand.worker())
            blocked = await stand.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "right_missing"
            with sqlite.transaction() as store:
                store.keys.add("new", stand.world.caller.owner, stand.world.caller.access.grants, "fh_another_secret_of_olivia", NOW)

            await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand), "the same")
            waiting = await stand.until(release, "running", stage="Later")
            await stand.handle(release).signal("roll_over")

            async def has_rolled_over() -> bool:
                description = await stand.handle(release).describe()
                return description.raw_description.workflow_execution_info.first_run_id != description.run_id

            await wait_until("the next run", has_rolled_over)
            await stand.releases.steer(waiting, Control.RETRY, by_olivia(stand), "the same")
            place = await stand.handle(release).query("place")
            assert ReleasePlace.model_validate(place).acts_at == waiting.acts_at, "the deadline is carried over"
            assert [entry.event for entry in stand.audit(release)].count(AuditEvent.RELEASE_RETRIED) == 1

    asyncio.run(story())


def test_a_retry_that_makes_no_sense_is_refused_and_leaves_no_trace(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="1h")))
            release = await stand.add()
            waiting = await stand.until(release, "running")

            with pytest.raises(ControlNotAllowed) as refused:
                await stand.releases.steer(waiting, Control.RETRY, by_olivia(stand), "a")
            assert refused.value.details == {"status": "running", "allowed": ["pause", "advance", "skip", "restart", "rollback", "remove"]}
            assert stand.record(release) == waiting

    asyncio.run(story())


def test_a_retry_with_an_outdated_expectation_is_refused(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Production", "production", actions=[set_value("new")])))
            release = await stand.add()
            change_by_hand(stand.world, FlagPatch(value="by hand"))
            await workers.enter_async_context(stand.worker())
            blocked = await stand.until(release, "blocked")

            with pytest.raises(StageMoved):
                await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand, expected=Expected(visit=7)), "a")
            with pytest.raises(StageMoved):
                await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand, expected=Expected(stage="Elsewhere")), "b")
            assert stand.record(release).status is ReleaseStatus.BLOCKED

    asyncio.run(story())


def test_of_two_retries_at_once_one_is_settled_and_the_other_refused(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Production", "production", actions=[set_value("new")]), stage("Later", "staging", "1h")))
            release = await stand.add()
            change_by_hand(stand.world, FlagPatch(value="by hand"))
            await workers.enter_async_context(stand.worker())
            blocked = await stand.until(release, "blocked")
            await stand.until_idle(release)

            with sqlite.transaction():  # The first can't be settled before the second is let in.
                over = by_olivia(stand, overwrite=True)
                asked = [asyncio.create_task(stand.until_answered(blocked, Control.RETRY, over, update)) for update in ("a", "b")]
                await asyncio.sleep(1)
            answers = await asyncio.gather(*asked, return_exceptions=True)

            assert sorted(type(answer).__name__ for answer in answers) == ["ControlNotAllowed", "NoneType"]
            await stand.until(release, "running", stage="Later")
            assert [entry.event for entry in stand.audit(release)].count(AuditEvent.RELEASE_RETRIED) == 1

    asyncio.run(story())


def test_an_update_with_a_body_that_means_nothing_is_rejected_and_the_release_goes_on(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="3s")))
            release = await stand.add()
            await stand.until(release, "running")

            with pytest.raises(WorkflowUpdateFailedError):
                await stand.handle(release).execute_update("retry", {"by": 7}, rpc_timeout=timedelta(seconds=CEILING))

            await stand.until(release, "completed")

    asyncio.run(story())
