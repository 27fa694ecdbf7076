"""Attempts that are lost, doubled or overtaken: each change in a real Unleash is made once in effect, and is on the record."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from activities.messages import Made, Resumed, Standing
from domain.access import Person
from domain.audit import AuditEvent
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import ACTED, LATER, audit_of, changes_of, command_for, events_of, record, roll_back
from tests.unleash.shop import Shop
from workflows.service.settler import Settler

pytestmark = pytest.mark.xdist_group("unleash")

ON = FlagPatch(enabled=True)
OFF = FlagPatch(enabled=False)
FOLLOWING = {"step": 2, "every": timedelta(hours=1)}
EVERYONE = {"name": "flexibleRollout", "title": "Flaghoist: everyone", "parameters": {"rollout": "100", "stickiness": "default"}}


@pytest.mark.parametrize(("moment", "number"), [("before", 1), ("after", 1), ("before", 2), ("after", 2)])
def test_killed_worker_leaves_what_the_next_one_completes(shop: Shop, release: Release, moment: str, number: int) -> None:
    shop.dies(lambda: shop.change(release), **{moment: number})
    assert changes_of(shop.world, release) == []

    assert isinstance(shop.change(release, LATER), Made)

    assert shop.titles() == ["Flaghoist: everyone"]
    [change] = changes_of(shop.world, release)
    assert (change.before, change.after, change.made_at) == (OFF, ON, LATER)
    assert shop.intents(release) == []
    assert events_of(shop.world, release).count(AuditEvent.FLAG_CHANGED) == 1


def test_two_attempts_at_once_are_one(shop: Shop, release: Release) -> None:
    answers: list[Any] = []
    command = command_for(shop.world, release, elsewhere=True)
    threads = [Thread(target=lambda: answers.append(shop.attempt(command))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(each) for each in answers] == [Made, Made]
    assert shop.world.release(release.id).stage == "Production"
    assert len(changes_of(shop.world, release)) == 1
    assert shop.world.flag("development", shop.key).enabled


def pause(shop: Shop, release: Release) -> None:
    with shop.world.database.transaction() as store:
        pause_release(store, shop.world.caller, shop.world.project, EndOrPauseRelease(release=release.id), ACTED)


def remove(shop: Shop, release: Release) -> None:
    with shop.world.database.transaction() as store:
        remove_release(store, shop.world.caller, shop.world.project, EndOrPauseRelease(release=release.id), ACTED)


def test_change_that_was_under_way_when_the_release_was_removed_is_on_the_record(shop: Shop, release: Release) -> None:
    shop.api.after = lambda write: remove(shop, release) if write == 1 else None

    answer = shop.change(release)

    assert isinstance(answer, Standing)
    assert answer.status == ReleaseStatus.REMOVED
    assert shop.titles() == ["Flaghoist: everyone"]
    [change] = changes_of(shop.world, release)
    assert (change.before, change.after) == (OFF, ON)
    last = audit_of(shop.world, release)[-1]
    assert (last.event, last.reason) == (AuditEvent.FLAG_CHANGED, "The release was steered while this change was under way.")
    assert shop.intents(release) == []


def test_change_that_was_under_way_when_the_release_was_paused_is_not_made_again(shop: Shop, release: Release) -> None:
    shop.api.after = lambda write: pause(shop, release) if write == 1 else None
    assert isinstance(shop.change(release), Standing)
    shop.lives()
    caller = shop.world.caller
    by = Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)
    record(shop.world, release, Resumed(by=by, entered_at=ACTED), LATER)
    writes = shop.api.writes

    assert isinstance(shop.change(release, LATER), Made)

    assert shop.api.writes == writes
    assert shop.world.release(release.id).stage == "Production"
    assert [each.changed_anything for each in changes_of(shop.world, release)] == [True, False]


def test_rollback_undoes_a_change_whose_attempt_was_killed(shop: Shop, release: Release) -> None:
    shop.dies(lambda: shop.change(release), after=2)
    assert shop.titles() == ["Flaghoist: everyone"]
    roll_back(shop.world, release)

    answer = shop.put_back(release)

    assert answer.status == ReleaseStatus.ROLLED_BACK
    assert shop.titles() == []
    assert [(each.before, each.after) for each in changes_of(shop.world, release)] == [(OFF, ON), (ON, OFF)]
    assert shop.intents(release) == []


@pytest.mark.parametrize(("moment", "number"), [("before", 1), ("after", 1), ("before", 2), ("after", 2), ("before", 3), ("after", 4)])
def test_rollback_that_was_killed_is_completed(shop: Shop, release: Release, moment: str, number: int) -> None:
    shop.change(release)
    shop.change(release)
    roll_back(shop.world, release)
    shop.dies(lambda: shop.put_back(release), **{moment: number})

    assert shop.put_back(release).status == ReleaseStatus.ROLLED_BACK

    assert (shop.titles(), shop.titles("production")) == ([], [])
    undone = [each for each in changes_of(shop.world, release) if each.undoes_from is not None]
    assert [(each.environment, each.before, each.after) for each in undone] == [("development", ON, OFF), ("production", ON, OFF)]
    assert shop.intents(release) == []


def test_rollback_leaves_alone_what_a_person_changed(shop: Shop, release: Release) -> None:
    shop.change(release)
    shop.person("POST", "/off")
    roll_back(shop.world, release)

    assert shop.put_back(release).status == ReleaseStatus.ROLLED_BACK

    assert not shop.is_on()
    rollback = shop.world.release(release.id).rollback
    assert rollback
    assert [each for each in changes_of(shop.world, release) if each.undoes_from is not None] == []


def test_change_of_a_dead_worker_is_settled_after_the_release_was_removed(shop: Shop, release: Release) -> None:
    shop.dies(lambda: shop.change(release), after=2)
    settler = Settler(shop.world.database, shop.elsewhere, patience=timedelta(0))
    settler.settle_all()
    assert changes_of(shop.world, release) == [], "Temporal would try it again"
    remove(shop, release)

    settler.settle_all()

    [change] = changes_of(shop.world, release)
    assert (change.before, change.after) == (OFF, ON)
    assert shop.intents(release) == []


def test_change_that_was_never_made_leaves_no_trace(shop: Shop, release: Release) -> None:
    shop.dies(lambda: shop.change(release), before=1)
    remove(shop, release)

    Settler(shop.world.database, shop.elsewhere, patience=timedelta(0)).settle_all()

    assert changes_of(shop.world, release) == []
    assert AuditEvent.FLAG_CHANGED not in events_of(shop.world, release)
    assert shop.intents(release) == []
