"""What people do about stages that are due: they approve, reject, freeze, stop and lift, as the API lets them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.commands.approve import DecideOnRelease, approve_release
from activities.commands.stops_freezes import lift_stop, make_freeze, place_stop
from activities.store.identifiers import new_id
from domain.access import Access, Caller, Grant, Owner, Role
from domain.pipelines.freeze import Freeze
from domain.releases.release import Release
from domain.releases.stop import Stop
from tests.pipelines import pipeline, stage
from tests.waiting import wait_until
from tests.workflows.harness import Stand

OPERATOR = Grant(project="shop", role=Role.OPERATOR, environments=("production",))


def person(stand: Stand, name: str, *, kind: str = "person", grant: Grant = OPERATOR) -> Caller:
    """Somebody else than who added the flag."""
    with stand.world.database.transaction() as store:
        owner = Owner(kind=kind, name=name)
        key = store.keys.add(f"{name}'s", owner, (grant,), f"fh_the_secret_of_{name}_in_{stand.world.project.key}", datetime.now(tz=UTC))
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


async def until_held(stand: Stand, release: Release, code: str, text: str = "") -> Release:
    """Return the record once something of that kind holds its stage, with a message that contains the text."""

    def held() -> Release | None:
        record = stand.record(release)
        return record if record.held and record.held.code == code and text in record.held.message else None

    return await wait_until(f"{code} {text} to hold the stage", held)


def gated(*gates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return pipeline(stage("Everyone", "production") | {"gates": list(gates)} | more)


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


async def until_place(stand: Stand, release: Release, field: str) -> None:
    """Return once the workflow has a value in that field of its state."""

    async def has_value() -> bool:
        return (await stand.handle(release).query("place"))[field] is not None

    await wait_until(f"the workflow to be {field}", has_value)


async def until_at_rest(stand: Stand, release: Release) -> None:
    """Return once the workflow, which is a moment behind the record, waits as well."""
    await until_place(stand, release, "held")


async def until_blocked(stand: Stand, release: Release) -> None:
    """Return once the workflow has heard of a rejection."""
    await until_place(stand, release, "blocked")


def freeze(stand: Stand, lasts: timedelta, starts_at: datetime | None = None, environments: tuple[str, ...] = ()) -> Freeze:
    """Freeze the project or some environments, from now on or from that time, as the API does."""
    at = datetime.now(tz=UTC)
    begins = starts_at or at
    made = Freeze(id=new_id(), name="Move", environments=environments, starts_at=begins, ends_at=begins + lasts, made_by="olivia")
    with stand.world.database.transaction() as store:
        return make_freeze(store, stand.world.caller, store.projects.get("shop", lock="update"), made, at)
