"""Stages that need approval: they act once enough people have approved exactly what they apply."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.commands.approve import approve_release, reject_release
from activities.store.database import Database
from domain.access import Grant, Role
from domain.errors import AlreadyApproved, ApprovalMoved, ControlNotAllowed, NotAllowed, NothingToApprove, OwnRelease, ServiceCannotApprove
from domain.flags.patch import FlagPatch
from domain.releases.control import Control
from tests.by_hand import change_flag_by_hand
from tests.pipelines import approval, enable, pipeline, rollout, stage
from tests.workflows.controls import change_by_hand, pause, send, until_blocked
from tests.workflows.gates import add_caller, decide, gated, until_held
from tests.workflows.harness import dev_server_harness, time_skipping_harness

HOUR = {"type": "WAIT_FOR", "duration": "1h"}


def test_stage_acts_once_enough_different_people_have_approved(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
            harness.world.publish(gated(approval(2)))
            release = await harness.add()
            record, _ = await until_held(harness, release, "approval")
            assert (record.status, record.sequence, record.acts_at) == ("running", 0, None)

            await decide(harness, vera, release)
            with pytest.raises(AlreadyApproved):
                await decide(harness, vera, release)
            with pytest.raises(OwnRelease):
                await decide(harness, harness.world.caller, release)
            await until_held(harness, release, "approval", "1 of 2, by vera")
            assert harness.changes(release) == []

            await decide(harness, victor, release, reason="seen in staging")
            await harness.until(release, "completed")
            assert harness.world.flag("production").enabled
            events = [entry.event for entry in harness.audit(release)]
            assert events == [
                "release.added",
                "stage.waiting",
                "release.approved",
                "release.approved",
                "flag.changed",
                "release.completed",
            ]

    asyncio.run(scenario())


def test_engineer_without_the_right_can_add_a_flag_to_a_pipeline_that_others_approve(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            erin = add_caller(harness, "erin", grant=Grant(project="shop", role=Role.OPERATOR, environments=("development",)))
            vera = add_caller(harness, "vera")
            harness.world.publish(pipeline(stage("Development"), stage("Everyone", "production") | {"gates": [approval()]}))
            harness.world.caller = erin
            release = await harness.add()
            held, _ = await until_held(harness, release, "approval")

            with pytest.raises(NotAllowed):
                await decide(harness, erin, held)
            await decide(harness, vera, held)
            await harness.until(release, "completed")
            assert harness.world.flag("production").enabled

    asyncio.run(scenario())


def test_approval_lapses_when_the_flag_is_changed_by_hand(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
            harness.world.publish(gated(approval(2), trigger=HOUR, actions=[enable("beta-users")]) | {"on_conflict": "overwrite"})
            release = await harness.add()
            await harness.until_timer_set(release)
            await decide(harness, vera, release)  # Before the stage is due.
            change_by_hand(harness.world, FlagPatch(overrides={"beta-users": {"enabled": False}}))

            await decide(harness, victor, release)
            await send(harness, release, Control.ADVANCE)
            await until_held(harness, release, "approval", "1 of 2, by victor")

            with pytest.raises(ApprovalMoved):
                await decide(harness, vera, release, shown="what it was")
            await decide(harness, vera, release)
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_rejection_blocks_and_retry_needs_all_approvals_again(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
            harness.world.publish(gated(approval(2)))
            release = await harness.add()
            await until_held(harness, release, "approval")
            await decide(harness, vera, release)

            rejected = await decide(harness, victor, release, reject_release, reason="not on a Friday")
            assert rejected.blocked
            assert (rejected.status, rejected.blocked.code) == ("blocked", "rejected")
            assert "victor rejected 'Everyone': not on a Friday." in rejected.blocked.message
            with pytest.raises(ControlNotAllowed):
                await decide(harness, vera, release)

            await until_blocked(harness, release)
            await send(harness, rejected, Control.RETRY)
            await until_held(harness, release, "approval", "0 of 2")
            await decide(harness, vera, release)
            await decide(harness, victor, release)
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_approvals_of_services_and_of_people_without_the_right_do_not_count(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
            robot = add_caller(harness, "ci", kind="service")
            harness.world.publish(gated(approval(2)))
            release = await harness.add()
            await until_held(harness, release, "approval")
            with pytest.raises(ServiceCannotApprove):
                await decide(harness, robot, release)
            await decide(harness, vera, release)
            with harness.world.database.transaction() as store:
                store.keys.revoke(vera.key, datetime.now(tz=UTC))

            await decide(harness, victor, release)
            await until_held(harness, release, "approval", "1 of 2, by victor")

    asyncio.run(scenario())


def test_requester_can_approve_a_hold_that_allows_it(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(gated(approval(1, allow_requester=True), actions=[]))
            release = await harness.add()
            await until_held(harness, release, "approval")
            await decide(harness, harness.world.caller, release)
            await harness.until(release, "completed")

    asyncio.run(scenario())


@pytest.mark.parametrize("actions", [[enable()], []])
def test_stage_that_is_not_approved_in_time_blocks_and_retry_allows_the_same_time_again(
    sqlite: Database, actions: list[dict[str, object]]
) -> None:
    async def scenario() -> None:
        async with time_skipping_harness(sqlite) as harness, harness.worker():
            vera = add_caller(harness, "vera")
            harness.world.publish(gated(approval(timeout="1h"), actions=actions))
            release = await harness.add()
            await until_held(harness, release, "approval")

            await harness.env.sleep(timedelta(hours=1, minutes=1))
            blocked = await harness.until(release, "blocked")

            assert blocked.blocked
            assert blocked.blocked.code == "approval_timed_out"
            await until_blocked(harness, release)
            await send(harness, blocked, Control.RETRY)
            _, again = await until_held(harness, release, "approval")
            assert again.until
            assert again.until - blocked.blocked.since >= timedelta(hours=1)
            await decide(harness, vera, release)
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_stage_without_an_approval_gate_has_nothing_to_approve(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(gated(trigger=HOUR))
            release = await harness.add()
            with pytest.raises(NothingToApprove):
                await decide(harness, add_caller(harness, "vera"), release)

    asyncio.run(scenario())


def test_rollout_is_approved_as_a_whole_before_its_first_step(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
            harness.world.publish(gated(approval(), actions=[rollout(every="1h")]))
            release = await harness.add()
            await until_held(harness, release, "approval")
            await decide(harness, vera, release)
            await harness.until_changes(release, 1)

            for command in (approve_release, reject_release):
                with pytest.raises(NothingToApprove):
                    await decide(harness, victor, release, command)
            for count in (2, 3, 4):
                await harness.until_timer_set(release)
                await send(harness, release, Control.ADVANCE, f"to step {count}")
                await harness.until_changes(release, count)
            await harness.until(release, "completed")
            assert len(harness.changes(release)) == 4

    asyncio.run(scenario())


def test_approvals_count_again_once_the_flag_is_back_as_it_was(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(gated(approval(2), trigger=HOUR))
            release = await harness.add()
            await harness.until_timer_set(release)
            for name in ("vera", "victor"):
                await decide(harness, add_caller(harness, name), release)
            change_flag_by_hand("shop", "production", "checkout", FlagPatch(enabled=True, value="by hand"), harness.world.caller, sqlite)
            await send(harness, release, Control.ADVANCE)
            await until_held(harness, release, "approval", "0 of 2")

            change_flag_by_hand("shop", "production", "checkout", FlagPatch(enabled=False, value="classic"), harness.world.caller, sqlite)
            await harness.run_outbox()
            await harness.until(release, "completed")

    asyncio.run(scenario())


def test_rejecting_a_paused_release_blocks_it_and_ends_the_pause(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(gated(approval()))
            release = await harness.add()
            await until_held(harness, release, "approval")
            await pause(harness, release)

            rejected = await decide(harness, add_caller(harness, "vera"), release, reject_release)
            assert (rejected.status, rejected.paused) == ("blocked", None)
            await until_blocked(harness, release)

            await send(harness, release, Control.RETRY)
            await until_held(harness, release, "approval")

    asyncio.run(scenario())
