"""Removing a release, which takes effect at once even if Temporal is down."""

from datetime import timedelta
from typing import Any

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.messages import Made, Standing
from activities.store.outbox import OutboxKind
from domain.access import Access, Caller, Grant, Owner, Role
from domain.audit import AuditEvent
from domain.errors import ControlNotAllowed, NotAllowed, NotFound, StageMoved
from domain.releases.control import Expected
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import TWO_STAGES, act, audit_of, change, changes_of, command_for, end_hold, events_of, runs_of
from tests.pipelines import hold, pipeline, stage
from tests.threads import at_once
from tests.world import NOW, World

REMOVED_AT = NOW + timedelta(minutes=30)


def remove(world: World, release: str, caller: Caller | None = None, **fields: Any) -> Release:
    with world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        return remove_release(store, caller or world.caller, project, EndOrPauseRelease(release=release, **fields), REMOVED_AT)


def anna(*grants: Grant) -> Caller:
    return Caller(key="k", owner=Owner(kind="person", name="anna"), owner_id="a", access=Access(grants=grants))


def test_removed_release_ends_and_its_changes_stay(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add()
    act(world, release)

    remove(world, release.id, reason="not wanted")

    now = world.release(release.id)
    assert (now.status, now.ended_at, now.acts_at, now.stage) == (ReleaseStatus.REMOVED, REMOVED_AT, None, "Production")
    assert world.flag("development").enabled is True
    assert [run.outcome for run in runs_of(world, release)] == [StageOutcome.ACTED, StageOutcome.REMOVED]
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.owner, entry.reason) == (AuditEvent.RELEASE_REMOVED, "olivia", "not wanted")
    with world.database.transaction() as store:
        assert [each.kind for each in store.outbox.lease(NOW, 9)] == [OutboxKind.START, OutboxKind.LOOK_AGAIN]


def test_simultaneous_change_and_removal_are_serialized(world: World) -> None:
    """A change before the removal is in the history. One after it leaves no trace."""
    world.publish(TWO_STAGES)
    for _ in range(4):
        release = world.add()
        command = command_for(world, release)

        answer, removed = at_once(lambda command=command: change(world, command), lambda id_=release.id: remove(world, id_))  # type: ignore[misc]

        made = isinstance(answer, Made)
        assert isinstance(answer, Made | Standing)
        assert isinstance(removed, Release)
        assert len(changes_of(world, release)) == made
        assert [run.outcome for run in runs_of(world, release)][-1] is StageOutcome.REMOVED
        assert len(runs_of(world, release)) == 1 + made
        assert world.release(release.id).status is ReleaseStatus.REMOVED
        assert events_of(world, release)[-1] is AuditEvent.RELEASE_REMOVED


def test_finished_release_cannot_be_removed(shop: World) -> None:
    shop.publish(pipeline(stage("Development")))
    completed = shop.add()
    act(shop, completed)
    removed = shop.add()
    remove(shop, removed.id)

    for release, status in ((completed, "completed"), (removed, "removed")):
        before = shop.release(release.id)
        with pytest.raises(ControlNotAllowed, match=f"a release that is {status}") as refused:
            remove(shop, release.id)
        assert refused.value.details == {"status": status, "allowed": ["rollback"]}
        assert shop.release(release.id) == before
        assert len(events_of(shop, release)) == len(set(events_of(shop, release)))


@pytest.mark.parametrize(
    ("expected", "matches"),
    [
        ({}, True),
        ({"stage": "production"}, True),
        ({"stage": "Production", "visit": 2, "step": 1}, True),
        ({"stage": "Development"}, False),
        ({"visit": 1}, False),
        ({"step": 2}, False),
        ({"stage": "Production", "visit": 3}, False),
    ],
)
def test_removal_is_refused_if_the_release_has_moved_on(shop: World, expected: dict[str, Any], matches: bool) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    act(shop, release)

    if matches:
        assert remove(shop, release.id, expected=Expected(**expected)).status is ReleaseStatus.REMOVED
        return
    with pytest.raises(StageMoved) as refused:
        remove(shop, release.id, expected=Expected(**expected))
    assert refused.value.details == {"stage": "Production", "visit": 2, "step": 1}
    assert shop.release(release.id).status is ReleaseStatus.RUNNING


def test_removal_requires_the_right_on_every_environment_ahead(shop: World) -> None:
    shop.publish(pipeline(stage("Staging", "staging"), stage("Production", "production", "1h"), hold("Watch", "1h")))
    release = shop.add()
    staging, production = (Grant(project="shop", role=Role.OPERATOR, environments=(each,)) for each in ("staging", "production"))
    for grants in ([staging], [production], [Grant(project="shop", role=Role.VIEWER)]):
        with pytest.raises(NotAllowed):
            remove(shop, release.id, anna(*grants))

    act(shop, release)

    with pytest.raises(NotAllowed):
        remove(shop, release.id, anna(staging))
    assert remove(shop, release.id, anna(production)).status is ReleaseStatus.REMOVED


def test_viewer_cannot_remove_a_release_in_its_last_hold(shop: World) -> None:
    """A hold touches no environment, so it requires no right on one."""
    shop.publish(pipeline(stage("Production", "production"), hold("Watch", "2d")))
    release = shop.add()
    act(shop, release)
    viewer = anna(Grant(project="shop", role=Role.VIEWER))

    with pytest.raises(NotAllowed):
        remove(shop, release.id, viewer)

    end_hold(shop, release)
    assert shop.release(release.id).status is ReleaseStatus.COMPLETED


def test_release_of_another_project_is_not_found(shop: World) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()

    with shop.database.transaction() as store:
        store.projects.insert(NOW, id="other", key="other", name="Other")
        theirs = store.projects.get("other")
        with pytest.raises(NotFound, match="There is no release"):
            remove_release(store, shop.caller, theirs, EndOrPauseRelease(release=release.id), REMOVED_AT)
