"""Stages that ask people: they act once enough have said yes to exactly what they apply."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from activities.commands.approve import approve_release, reject_release
from activities.store.database import Database
from api.routes.features import change_flag
from domain.access import Grant, Role
from domain.errors import AlreadyApproved, ApprovalMoved, ControlNotAllowed, NotAllowed, NothingToApprove, OwnRelease, ServiceCannotApprove
from domain.flags.patch import FlagPatch
from domain.releases.control import Control
from tests.pipelines import approval, enable, pipeline, rollout, stage
from tests.waiting import wait_until
from tests.workflows.gates import decide, gated, person, until_blocked, until_held
from tests.workflows.harness import real_stand
from tests.workflows.test_blocked import by_olivia, change_by_hand
from tests.workflows.test_controls import pause, steer
from tests.workflows.test_rollouts import until_made


def test_a_stage_acts_once_enough_different_people_have_approved(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera, victor = person(stand, "vera"), person(stand, "victor")
            stand.world.publish(gated(approval(2)))
            release = await stand.add()
            held = await until_held(stand, release, "approval")
            assert (held.status, held.sequence, held.acts_at) == ("running", 0, None)

            await decide(stand, vera, release)
            with pytest.raises(AlreadyApproved):
                await decide(stand, vera, release)
            with pytest.raises(OwnRelease):
                await decide(stand, stand.world.caller, release)
            await until_held(stand, release, "approval", "1 of 2, by vera")
            assert stand.changes(release) == []

            await decide(stand, victor, release, reason="seen in staging")
            await stand.until(release, "completed")
            assert stand.world.flag("production").enabled
            events = [entry.event for entry in stand.audit(release)]
            assert events == [
                "release.added",
                "stage.waiting",
                "release.approved",
                "release.approved",
                "flag.changed",
                "release.completed",
            ]

    asyncio.run(story())


def test_an_engineer_without_the_right_adds_a_flag_to_a_pipeline_that_others_approve(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            erin = person(stand, "erin", grant=Grant(project="shop", role=Role.OPERATOR, environments=("development",)))
            vera = person(stand, "vera")
            stand.world.publish(pipeline(stage("Development"), stage("Everyone", "production") | {"gates": [approval()]}))
            stand.world.caller = erin
            release = await stand.add()
            held = await until_held(stand, release, "approval")

            with pytest.raises(NotAllowed):
                await decide(stand, erin, held)
            await decide(stand, vera, held)
            await stand.until(release, "completed")
            assert stand.world.flag("production").enabled

    asyncio.run(story())


def test_an_approval_given_before_a_change_by_hand_is_asked_for_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera, victor = person(stand, "vera"), person(stand, "victor")
            waits = {"type": "WAIT_FOR", "duration": "1h"}
            stand.world.publish(gated(approval(2), trigger=waits, actions=[enable("beta-users")]) | {"on_conflict": "overwrite"})
            release = await stand.add()
            await stand.until_waiting(release)
            await decide(stand, vera, release)  # Before it is due.
            change_by_hand(stand.world, FlagPatch(overrides={"beta-users": {"enabled": False}}))

            await decide(stand, victor, release)
            await steer(stand, release, Control.ADVANCE)
            held = await until_held(stand, release, "approval")
            assert held.held
            assert "1 of 2, by victor" in held.held.message

            with pytest.raises(ApprovalMoved):
                await decide(stand, vera, release, shown="what it was")
            await decide(stand, vera, release)
            await stand.until(release, "completed")

    asyncio.run(story())


def test_a_rejection_blocks_and_a_retry_asks_everybody_anew(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera, victor = person(stand, "vera"), person(stand, "victor")
            stand.world.publish(gated(approval(2)))
            release = await stand.add()
            await until_held(stand, release, "approval")
            await decide(stand, vera, release)

            rejected = await decide(stand, victor, release, reject_release, reason="not on a Friday")
            assert rejected.blocked
            assert (rejected.status, rejected.blocked.code) == ("blocked", "rejected")
            assert "victor rejected 'Everyone': not on a Friday." in rejected.blocked.message
            with pytest.raises(ControlNotAllowed):
                await decide(stand, vera, release)

            await until_blocked(stand, release)
            await stand.releases.steer(rejected, Control.RETRY, by_olivia(stand), "retry")
            held = await until_held(stand, release, "approval")
            assert held.held
            assert "0 of 2" in held.held.message
            await decide(stand, vera, release)
            await decide(stand, victor, release)
            await stand.until(release, "completed")

    asyncio.run(story())


def test_approvals_of_those_who_lost_the_right_count_no_more_and_services_never(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera, victor, robot = person(stand, "vera"), person(stand, "victor"), person(stand, "ci", kind="service")
            stand.world.publish(gated(approval(1, allow_requester=True), actions=[]) | {"key": "asks"})
            stand.world.publish(gated(approval(2)))
            release = await stand.add()
            await until_held(stand, release, "approval")
            with pytest.raises(ServiceCannotApprove):
                await decide(stand, robot, release)
            await decide(stand, vera, release)
            with stand.world.database.transaction() as store:
                store.keys.revoke(vera.key, datetime.now(tz=UTC))

            await decide(stand, victor, release)
            await until_held(stand, release, "approval", "1 of 2, by victor")

            stand.world.add_feature("banner")
            asking = await stand.add(feature="banner", pipeline="asks")
            await until_held(stand, asking, "approval")
            await decide(stand, stand.world.caller, asking)
            await stand.until(asking, "completed")

    asyncio.run(story())


def test_a_stage_that_nobody_approves_in_time_blocks_and_a_retry_asks_as_long_again(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera = person(stand, "vera")
            for key, actions in (("acts", [enable()]), ("asks", [])):
                stand.world.add_feature(key)
                stand.world.publish(gated(approval(timeout="5s"), actions=actions) | {"key": key})
                release = await stand.add(feature=key, pipeline=key)
                await until_held(stand, release, "approval")

                blocked = await stand.until(release, "blocked")

                assert blocked.blocked
                assert blocked.blocked.code == "approval_timed_out"
                await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand), f"retry/{key}")
                again = await until_held(stand, release, "approval")
                assert again.held
                assert again.held.until
                assert again.held.until > blocked.blocked.since, "there is as much time again"
                await decide(stand, vera, release)
                await stand.until(release, "completed")

    asyncio.run(story())


def test_a_stage_without_an_approval_gate_has_nothing_to_approve(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(gated(trigger={"type": "WAIT_FOR", "duration": "1h"}))
            release = await stand.add()
            with pytest.raises(NothingToApprove):
                await decide(stand, person(stand, "vera"), release)

    asyncio.run(story())


def test_a_rollout_is_approved_as_a_whole_and_asks_nobody_once_it_has_begun(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            vera, victor = person(stand, "vera"), person(stand, "victor")
            stand.world.publish(gated(approval(), actions=[rollout(every="1h")]))
            release = await stand.add()
            await until_held(stand, release, "approval")
            await decide(stand, vera, release)
            await wait_until("the first step", lambda: stand.record(release).step == 2)

            for deciding in (approve_release, reject_release):
                with pytest.raises(NothingToApprove):
                    await decide(stand, victor, release, deciding)
            for step in (2, 3, 4):
                await steer(stand, release, Control.ADVANCE, f"to step {step}")
                await until_made(stand, release, step)
            await stand.until(release, "completed")

    asyncio.run(story())


def test_approvals_count_again_once_the_flag_is_what_it_was(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, AsyncExitStack() as workers:
            stand.world.publish(pipeline(stage("Everyone", "production") | {"gates": [approval(2)]}))
            release = await stand.add()
            for name in ("vera", "victor"):
                await decide(stand, person(stand, name), release)
            change_flag("shop", "production", "checkout", FlagPatch(enabled=True, value="by hand"), stand.world.caller, sqlite)
            await workers.enter_async_context(stand.worker())
            held = await until_held(stand, release, "approval")
            assert held.held
            assert "0 of 2" in held.held.message

            change_flag("shop", "production", "checkout", FlagPatch(enabled=False, value="classic"), stand.world.caller, sqlite)
            await stand.delivery.deliver()
            await stand.until(release, "completed")

    asyncio.run(story())


def test_what_is_rejected_while_it_is_paused_is_blocked_and_paused_no_more(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(gated(approval()))
            release = await stand.add()
            await until_held(stand, release, "approval")
            await pause(stand, release)

            rejected = await decide(stand, person(stand, "vera"), release, reject_release)
            assert (rejected.status, rejected.paused) == ("blocked", None)
            await until_blocked(stand, release)

            await steer(stand, release, Control.RETRY)
            await until_held(stand, release, "approval")

    asyncio.run(story())
