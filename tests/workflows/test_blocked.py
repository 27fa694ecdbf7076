"""A refusal blocks a release until a person decides."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from activities.store.database import Database
from domain.audit import AuditEvent
from domain.errors import ControlNotAllowed, StageMoved
from domain.flags.patch import FlagPatch
from domain.releases.control import Control, Expected
from domain.releases.status import ReleaseStatus
from tests.pipelines import enable, pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import add_and_change_by_hand, send, until_admitted, until_blocked
from tests.workflows.harness import dev_server_harness
from tests.world import NOW

TWO_STAGES = pipeline(
    stage("Development", actions=[enable()]),
    stage("Production", "production", actions=[enable(), set_value("one-page")]),
)
BY_HAND = FlagPatch(value="by hand")


def test_field_changed_by_hand_blocks_until_a_person_overwrites_the_values_they_saw(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(TWO_STAGES)
            release = await add_and_change_by_hand(harness, BY_HAND)

            blocked = await harness.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "flag_changed_by_hand"
            assert (blocked.blocked.details["seen"], blocked.blocked.details["now"]) == (
                {"enabled": False, "value": "classic"},
                {"enabled": False, "value": "by hand"},
            )
            assert harness.world.flag("production").enabled is False, "all or nothing"

            await send(harness, blocked, Control.RETRY, "plain")
            again = await harness.until(release, "blocked")
            assert again.sequence > blocked.sequence

            await send(harness, again, Control.RETRY, "overwrite", overwrite=True)
            await harness.until(release, "completed")
            flag = harness.world.flag("production")
            assert (flag.enabled, flag.value) == (True, "one-page")
            assert [entry.event for entry in harness.audit(release)] == [
                AuditEvent.RELEASE_ADDED,
                AuditEvent.FLAG_CHANGED,
                AuditEvent.RELEASE_BLOCKED,
                AuditEvent.RELEASE_RETRIED,
                AuditEvent.RELEASE_BLOCKED,
                AuditEvent.RELEASE_RETRIED,
                AuditEvent.FLAG_CHANGED,
                AuditEvent.RELEASE_COMPLETED,
            ]

    asyncio.run(scenario())


def test_update_sent_twice_is_handled_once_even_after_continuing_as_new(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            stages = stage("Development"), stage("Production", "production", "1h"), stage("Later", "staging", "1h")
            harness.world.publish(pipeline(*stages))
            release = await harness.add()
            await harness.until(release, "running", stage="Production")
            await harness.until_timer_set(release)
            with sqlite.transaction() as store:
                store.keys.revoke(harness.world.key_id, NOW)
            await send(harness, release, Control.ADVANCE)
            blocked = await harness.until(release, "blocked")
            assert blocked.blocked
            assert blocked.blocked.code == "right_missing"
            with sqlite.transaction() as store:
                caller = harness.world.caller
                store.keys.add("new", caller.owner, caller.access.grants, "fh_another_secret_of_olivia", NOW)

            await until_blocked(harness, release)
            await send(harness, blocked, Control.RETRY, "the same")
            waiting = await harness.until(release, "running", stage="Later")
            await harness.until_timer_set(release)
            first_run = (await harness.handle(release).describe()).run_id
            await harness.handle(release).signal("roll_over")
            handle = harness.handle(release)

            async def is_next_run() -> bool:
                return (await handle.describe()).run_id != first_run

            await wait_until("the next run", is_next_run)

            await send(harness, waiting, Control.RETRY, "the same")
            assert (await harness.place(release)).acts_at == waiting.acts_at, "the deadline is carried over"
            assert [entry.event for entry in harness.audit(release)].count(AuditEvent.RELEASE_RETRIED) == 1

    asyncio.run(scenario())


def test_retry_of_a_running_release_is_refused_and_leaves_no_trace(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", wait="1h")))
            release = await harness.add()
            waiting = await harness.until(release, "running")

            with pytest.raises(ControlNotAllowed) as refused:
                await send(harness, waiting, Control.RETRY)
            assert refused.value.details == {"status": "running", "allowed": ["pause", "advance", "skip", "restart", "rollback", "remove"]}
            assert harness.record(release) == waiting

    asyncio.run(scenario())


def test_retry_with_an_outdated_expectation_is_refused(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Production", "production", actions=[set_value("new")])))
            release = await add_and_change_by_hand(harness, BY_HAND)
            blocked = await harness.until(release, "blocked")
            await until_blocked(harness, release)

            for expected in (Expected(visit=7), Expected(stage="Elsewhere")):
                with pytest.raises(StageMoved):
                    await send(harness, blocked, Control.RETRY, str(expected), expected=expected)
            assert harness.record(release).status is ReleaseStatus.BLOCKED

    asyncio.run(scenario())


def test_one_of_two_concurrent_retries_is_handled_and_the_other_is_refused(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            harness.world.publish(pipeline(stage("Production", "production", actions=[set_value("new")]), stage("Later", "staging", "1h")))
            async with harness.worker():
                release = await add_and_change_by_hand(harness, BY_HAND)
                blocked = await harness.until(release, "blocked")
                await until_blocked(harness, release)

            # Without a worker both retries wait at the server. The next workflow task accepts them together.
            retries = [asyncio.create_task(send(harness, blocked, Control.RETRY, update_id, overwrite=True)) for update_id in ("a", "b")]
            await until_admitted(harness, release, "a", "b")
            async with harness.worker():
                answers = await asyncio.gather(*retries, return_exceptions=True)

                assert sorted(type(answer).__name__ for answer in answers) == ["ControlNotAllowed", "Release"]
                await harness.until(release, "running", stage="Later")
            assert [entry.event for entry in harness.audit(release)].count(AuditEvent.RELEASE_RETRIED) == 1

    asyncio.run(scenario())


def test_update_with_an_invalid_body_is_rejected_and_the_release_continues(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development", wait="1h")))
            release = await harness.add()
            await harness.until_timer_set(release)

            with pytest.raises(WorkflowUpdateFailedError):
                await harness.handle(release).execute_update("retry", {"by": 7}, rpc_timeout=timedelta(seconds=60))

            await send(harness, release, Control.ADVANCE)
            await harness.until(release, "completed")

    asyncio.run(scenario())
