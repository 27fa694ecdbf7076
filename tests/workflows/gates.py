"""Approvals, stops and freezes, written to the record as the API does, and waits until they hold a stage back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.commands.approve import DecideOnRelease, approve_release
from activities.commands.stops_freezes import LiftRequest, lift_stop, make_freeze, place_stop
from activities.store.identifiers import new_id
from domain.access import Access, Caller, Grant, Owner, Role
from domain.pipelines.freeze import Freeze
from domain.releases.gate_hold import GateHold
from domain.releases.release import Release
from domain.releases.stop import Stop
from tests.pipelines import pipeline, stage
from tests.waiting import wait_until
from tests.workflows.harness import Harness

OPERATOR = Grant(project="shop", role=Role.OPERATOR, environments=("production",))


def add_caller(harness: Harness, name: str, *, kind: str = "person", grant: Grant = OPERATOR) -> Caller:
    """Create a key for another owner."""
    with harness.world.database.transaction() as store:
        owner = Owner(kind=kind, name=name)
        secret = f"fh_the_secret_of_{name}_in_{harness.world.project.key}"
        key = store.keys.add(f"{name}'s", owner, (grant,), secret, datetime.now(tz=UTC))
        return Caller(key=key.id, owner=owner, owner_id=store.keys.owner_id(owner), access=Access(grants=(grant,)))


async def decide(
    harness: Harness, caller: Caller, release: Release, command: Callable[..., Release] = approve_release, **fields: Any
) -> Release:
    """Approve or reject by the record alone, and signal the workflow."""
    with harness.world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        decided = command(store, caller, project, DecideOnRelease(release=release.id, **fields), datetime.now(tz=UTC))
    await harness.run_outbox()
    return decided


async def until_held(harness: Harness, release: Release, code: str, message: str = "") -> tuple[Release, GateHold]:
    """Wait until the record says that this kind of gate holds the stage back, with a message that contains the given text."""

    def held() -> tuple[Release, GateHold] | None:
        record = harness.record(release)
        return (record, record.held) if record.held and record.held.code == code and message in record.held.message else None

    return await wait_until(f"a stage held back by {code} {message}", held)


async def until_held_in_workflow(harness: Harness, release: Release) -> None:
    """Wait until the workflow, which is a moment behind the record, knows that the stage is held back."""
    await harness.until_place(release, "the workflow to be held back", lambda place: place.held)


def gated(*gates: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a pipeline of one stage with these gates."""
    return pipeline(stage("Everyone", "production") | {"gates": list(gates)} | fields)


def add_stop(harness: Harness, **scope: Any) -> Stop:
    """Place a stop by the record alone."""
    caller, at = harness.world.caller, datetime.now(tz=UTC)
    stop = Stop(id=new_id(), reason="incident", placed_at=at, placed_by=caller.owner.name, placed_by_id=caller.owner_id, **scope)
    with harness.world.database.transaction() as store:
        return place_stop(store, caller, store.projects.get("shop", lock="update"), stop)


async def lift(harness: Harness, stop: Stop) -> None:
    """Lift a stop, and signal the workflows that it held back."""
    with harness.world.database.transaction() as store:
        project = store.projects.get("shop", lock="update")
        lift_stop(store, harness.world.caller, project, LiftRequest(stop.id), datetime.now(tz=UTC))
    await harness.run_outbox()


def add_freeze(harness: Harness, lasts: timedelta, starts_at: datetime | None = None, environments: tuple[str, ...] = ()) -> Freeze:
    """Freeze the project or some environments, from now on or from that time."""
    at = datetime.now(tz=UTC)
    starts = starts_at or at
    freeze = Freeze(id=new_id(), name="Move", environments=environments, starts_at=starts, ends_at=starts + lasts, made_by="olivia")
    with harness.world.database.transaction() as store:
        return make_freeze(store, harness.world.caller, store.projects.get("shop", lock="update"), freeze, at)
