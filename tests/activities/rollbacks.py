"""Releases to be rolled back, and the people who request and give up rollbacks."""

from datetime import timedelta

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from domain.access import Access, Caller, Grant, Owner, Role
from domain.releases.release import Release
from tests.activities.acting import LATER, THREE, act
from tests.pipelines import pipeline, stage
from tests.world import World

ROLLED_BACK_AT = LATER + timedelta(minutes=1)


def run_stages(world: World, steps: int = 3) -> Release:
    """Return a release after its first stages."""
    world.publish(THREE)
    release = world.add()
    for _ in range(steps):
        act(world, release)
    return world.release(release.id)


def complete_release(world: World) -> Release:
    """Return a completed release that enabled the flag in development."""
    world.publish(pipeline(stage("Development"), key="short"))
    release = world.add(pipeline="short")
    act(world, release)
    return world.release(release.id)


def operator_of(*environments: str) -> Caller:
    """Return a caller with the right on these environments."""
    grants = tuple(Grant(project="shop", role=Role.OPERATOR, environments=(each,)) for each in environments)
    return Caller(key="k", owner=Owner(kind="person", name="anna"), owner_id="a", access=Access(grants=grants))


def remove(world: World, release: Release, caller: Caller | None = None) -> Release:
    """Remove the release, by default as Olivia."""
    with world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        return remove_release(store, caller or world.caller, project, EndOrPauseRelease(release=release.id, reason="never mind"), LATER)


def add_operator(world: World) -> Caller:
    """Add an operator of all environments, whose key can be revoked."""
    owner, grants = Owner(kind="person", name="erin"), (Grant(project="shop", role=Role.OPERATOR, environments=("*",)),)
    with world.database.transaction() as store:
        store.keys.add("erin's", owner, grants, "fh_the_secret_of_erin_in_tests", LATER)
        found = store.keys.caller("fh_the_secret_of_erin_in_tests")
    assert found
    return found


def revoke(world: World, caller: Caller) -> None:
    """Revoke the caller's key, and with it their rights."""
    with world.database.transaction() as store:
        store.keys.revoke(caller.key, LATER)
