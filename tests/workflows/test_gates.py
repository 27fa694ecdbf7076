"""Stages that are due and wait: for people, for their window, for a stop to be lifted."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.approving import DecideOnRelease, approve_release, reject_release
from activities.guarding import lift_stop, place_stop
from activities.store.database import Database
from activities.store.identifiers import new_id
from domain.access import Access, Caller, Grant, Owner, Role
from domain.control import Control
from domain.errors import AlreadyApproved, ApprovalMoved, ControlNotAllowed, NotAllowed, NothingToApprove, OwnRelease, ServiceCannotApprove
from domain.patch import FlagPatch
from domain.release import Release
from domain.stop import Stop
from tests.pipelines import approval, enable, pipeline, rollout, stage, window
from tests.workflows.stand import Stand, real_stand, skipping_stand
from tests.workflows.test_blocked import by_olivia, change_by_hand
from tests.workflows.test_controls import pause, steer, until_paused

OPERATOR = Grant(project="shop", role=Role.OPERATOR, environments=("production",))


def person(stand: Stand, name: str, *, kind: str = "person", grant: Grant = OPERATOR) -> Caller:
    """Somebody else than who added the flag."""
    with stand.world.database.transaction() as store:
        owner = Owner(kind=kind, name=name)
        key = store.keys.add(f"{name}'s", owner, (grant,), f"fh_the_secret_of_{name}_in_tests", datetime.now(tz=UTC))
        return Caller(key=key.id, owner=owner, owner_id=store.keys.owner_id(owner), access=Access(grants=(grant,)))


async def decide(
    stand: Stand, caller: Caller, release: Release, deciding: Callable[..., Release] = approve_release, **more: Any
) -> Release:
    """Approve or reject as the API does, by the record alone, and tell the workflow."""
    with stand.world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        decided = deciding(store, caller, project, DecideOnRelease(release=release.id, **more), datetime.now(tz=UTC))
    await stand.delivery.deliver()
    return decided


async def until_held(stand: Stand, release: Release, code: str) -> Release:
    """The record, once something of that kind holds its stage."""
    for _ in range(200):
        record = stand.record(release)
        if record.held and record.held.code == code:
            return record
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{record.status} at '{record.stage}', held by {record.held}")


def gated(*gates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return pipeline(stage("Everyone", "production") | {"gates": list(gates)} | more)


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
            await asyncio.sleep(0.5)
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

            while (await stand.handle(release).query("place"))["blocked"] is None:  # noqa: ASYNC110 (there is nobody to wake us)
                await asyncio.sleep(0.05)
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
            held = await until_held(stand, release, "approval")
            for _ in range(100):
                if held.held and "by victor" in held.held.message:
                    break
                await asyncio.sleep(0.05)
                held = stand.record(release)
            assert held.held
            assert "1 of 2, by victor" in held.held.message

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
                stand.world.publish(gated(approval(timeout="2s"), actions=actions) | {"key": key})
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
            stand.world.publish(gated(approval(), actions=[rollout(every="3s")]))
            release = await stand.add()
            await until_held(stand, release, "approval")
            await decide(stand, vera, release)
            while stand.record(release).step == 1:  # noqa: ASYNC110 (there is nobody to wake us)
                await asyncio.sleep(0.05)

            for deciding in (approve_release, reject_release):
                with pytest.raises(NothingToApprove):
                    await decide(stand, victor, release, deciding)
            await stand.until(release, "completed")
            assert len(stand.changes(release)) == 4

    asyncio.run(story())


def test_a_stage_and_each_step_of_its_rollout_wait_for_their_window(sqlite: Database) -> None:
    async def story() -> None:
        async with skipping_stand(sqlite) as stand, stand.worker():
            now = await stand.env.get_current_time()
            opens = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
            shuts = opens + timedelta(hours=2)
            office = window(f"{opens:%H:%M}", f"{shuts:%H:%M}")
            stand.world.publish(gated(office, actions=[rollout(initial=50, step=50, every="3h")]))
            release = await stand.add()
            held = await until_held(stand, release, "window")
            assert held.held
            assert held.held.until == held.acts_at == opens

            await stand.env.sleep(opens - now + timedelta(minutes=5))
            await stand.env.sleep(timedelta(days=1, hours=3))
            await stand.until(release, "completed")

            first, second = stand.changes(release)
            assert timedelta(0) <= first.made_at - opens < timedelta(seconds=10)
            assert timedelta(0) <= second.made_at - (opens + timedelta(days=1)) < timedelta(seconds=10)

    asyncio.run(story())


def test_a_stop_holds_whatever_is_due_in_its_scope_until_it_is_lifted(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Everyone", "production", "1s")))
            release = await stand.add()
            stop = place(stand, environment="production")
            place(stand, environment="staging")
            await asyncio.sleep(1.5)

            async with stand.worker():
                held = await until_held(stand, release, "stopped")
                assert held.held
                assert held.held.until is None
                with pytest.raises(ControlNotAllowed, match="a gate can't be cut short"):
                    await steer(stand, release, Control.ADVANCE)
                await pause(stand, release)
                await until_paused(stand, release)
                await steer(stand, release, Control.RESUME)
                await until_held(stand, release, "stopped")
                assert stand.changes(release) == []

                await lift(stand, stop)
                await stand.until(release, "completed")

    asyncio.run(story())


@pytest.mark.parametrize("expires_in", [None, timedelta(hours=3)])
@pytest.mark.parametrize("actions", [[enable()], []])
def test_a_stage_could_act_from_when_its_stop_was_lifted_and_is_not_late_by_it(
    sqlite: Database, expires_in: timedelta | None, actions: list[dict[str, Any]]
) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Everyone", "production", "1s", actions)))
            stop = place(stand, expires_at=datetime.now(tz=UTC) + expires_in if expires_in else None)
            release = await stand.add()
            await until_held(stand, release, "stopped")
            await until_at_rest(stand, release)
            await asyncio.sleep(1)

            lifted_at = datetime.now(tz=UTC)
            await lift(stand, stop)
            await stand.until(release, "completed")

            [run] = stand.runs(release)
            assert run.acts_at
            assert run.acted_at
            assert lifted_at - timedelta(seconds=0.2) <= run.acts_at <= run.acted_at

    asyncio.run(story())


def test_a_stop_that_is_lifted_as_the_workflow_continues_as_new_holds_no_longer(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            stand.world.publish(pipeline(stage("Everyone", "production")))
            stop = place(stand)
            async with stand.worker():
                release = await stand.add()
                await until_held(stand, release, "stopped")
                await until_at_rest(stand, release)
            await stand.handle(release).signal("roll_over")
            await lift(stand, stop)

            async with stand.worker():
                await stand.until(release, "completed")

    asyncio.run(story())


def test_a_stop_that_expires_lets_the_stage_act_by_itself(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(max_cached_workflows=0):
            until = datetime.now(tz=UTC) + timedelta(seconds=4)
            place(stand, expires_at=until)
            stand.world.publish(pipeline(stage("Everyone", "production")))
            release = await stand.add()
            await until_held(stand, release, "stopped")
            await stand.handle(release).signal("roll_over")

            await stand.until(release, "completed")
            assert stand.changes(release)[0].made_at >= until

    asyncio.run(story())


def place(stand: Stand, **scope: Any) -> Stop:
    """Stop the line as the API does."""
    caller, at = stand.world.caller, datetime.now(tz=UTC)
    stop = Stop(id=new_id(), reason="incident", placed_at=at, placed_by=caller.owner.name, placed_by_id=caller.owner_id, **scope)
    with stand.world.database.transaction() as store:
        return place_stop(store, caller, store.projects.get("shop", lock="update"), stop)


async def lift(stand: Stand, stop: Stop) -> None:
    """Lift a stop as the API does, and tell the workflows that it held."""
    with stand.world.database.transaction() as store:
        project = store.projects.get("shop", lock="update")
        lift_stop(store, stand.world.caller, project, stop.id, datetime.now(tz=UTC), None)
    await stand.delivery.deliver()


async def until_at_rest(stand: Stand, release: Release) -> None:
    """Return once the workflow, which is a moment behind the record, waits as well."""
    while (await stand.handle(release).query("place"))["held"] is None:  # noqa: ASYNC110 (there is nobody to wake us)
        await asyncio.sleep(0.05)
