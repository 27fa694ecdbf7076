"""Retries after a conflict, where an overwrite covers only what the person was shown."""

from activities.messages import Made, Refused
from domain.audit import AuditEvent
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from tests.activities.acting import (
    ACTED,
    LATER,
    TWO_STAGES,
    act,
    audit_of,
    change,
    change_by_hand,
    changes_of,
    command_for,
    events_of,
    retry,
    runs_of,
    summary,
)
from tests.pipelines import enable, pipeline, set_value, stage
from tests.world import World


def blocked_by_hand(world: World) -> Release:
    """Return a release that is blocked because its value was set by hand."""
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, value="by hand")
    assert isinstance(change(world, command_for(world, release)), Refused)
    return release


def attempt(world: World, release: Release) -> Made | Refused:
    answer = change(world, command_for(world, release), LATER)
    assert isinstance(answer, Made | Refused)
    return answer


def test_retry_is_refused_while_the_conflicting_value_remains(world: World) -> None:
    release = blocked_by_hand(world)

    retry(world, release)
    answer = attempt(world, release)

    assert isinstance(answer, Refused)
    assert answer.blocked.since == LATER
    assert world.flag("development").value == "by hand"
    assert events_of(world, release)[1:] == [AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_RETRIED, AuditEvent.RELEASE_BLOCKED]


def test_retry_succeeds_if_the_field_was_restored(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="classic")

    retry(world, release)

    assert isinstance(attempt(world, release), Made)
    assert world.flag("development").value == "one-page"


def test_retry_succeeds_if_the_field_is_at_its_target(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="one-page")

    retry(world, release)

    assert isinstance(attempt(world, release), Made)
    assert runs_of(world, release)[0].outcome is StageOutcome.ACTED, "it still enabled the flag"


def test_overwrite_replaces_what_the_person_was_shown(world: World) -> None:
    release = blocked_by_hand(world)

    retry(world, release, overwrite=True)

    assert isinstance(attempt(world, release), Made)
    assert world.flag("development").value == "one-page"
    assert changes_of(world, release)[0].before.value == "by hand"


def test_overwrite_does_not_replace_later_changes(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="by another hand")

    retry(world, release, overwrite=True)
    answer = attempt(world, release)

    assert isinstance(answer, Refused)
    blocked = world.release(release.id).blocked
    assert blocked
    assert (blocked.details["seen"]["value"], blocked.details["now"]["value"]) == ("by hand", "by another hand")
    assert world.flag("development").value == "by another hand"


def test_overwrite_replaces_an_override_created_by_hand(world: World) -> None:
    world.publish(pipeline(stage("Beta", actions=[enable("beta-users")])))
    release = world.add()
    change_by_hand(world, overrides={"staff": {"enabled": True}, "beta-users": {"enabled": False, "value": "theirs"}})
    assert isinstance(change(world, command_for(world, release)), Refused)

    retry(world, release, overwrite=True)

    assert isinstance(attempt(world, release), Made)
    flag = world.flag("development")
    assert (flag.resolved("beta-users"), flag.resolved("staff")) == ((True, "theirs"), (True, "classic"))


def test_overwrite_restores_an_override_removed_by_hand(world: World) -> None:
    world.publish(pipeline(stage("Beta", actions=[enable("beta-users")]), stage("Off", actions=[enable("beta-users", enabled=False)])))
    release = world.add()
    act(world, release)
    change_by_hand(world, overrides={"beta-users": None})
    assert isinstance(change(world, command_for(world, release)), Refused)

    retry(world, release, overwrite=True)

    assert isinstance(attempt(world, release), Made)
    assert world.flag("development").resolved("beta-users")[0] is False


def test_pipeline_can_overwrite_by_default(world: World) -> None:
    world.publish(TWO_STAGES | {"on_conflict": "overwrite"})
    release = world.add()
    change_by_hand(world, value="by hand")

    act(world, release)

    assert world.flag("development").value == "one-page"


def test_release_can_be_added_with_overwrite(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add(on_conflict="overwrite")
    change_by_hand(world, value="by hand")

    act(world, release)

    assert world.flag("development").value == "one-page"


def test_own_change_is_no_conflict_but_its_reversal_by_hand_is(world: World) -> None:
    world.publish(
        pipeline(
            stage("On", actions=[enable(), set_value("one-page")]),
            stage("Off", actions=[enable(enabled=False)]),
            stage("New value", actions=[set_value("two-pages")]),
        )
    )
    release = world.add()
    act(world, release)
    act(world, release)
    change_by_hand(world, value="classic")

    answer = change(world, command_for(world, release))

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"


def test_retry_is_recorded_with_its_author_as_responsible(world: World) -> None:
    release = blocked_by_hand(world)
    sequence = world.release(release.id).sequence

    first = retry(world, release, overwrite=True)
    again = world.release(release.id)

    assert summary(first) == {"at": LATER, "sequence": sequence + 1}
    assert (again.status, again.blocked, again.acts_at, again.responsible) == (ReleaseStatus.RUNNING, None, LATER, "olivia")
    entry = audit_of(world, release)[-1]
    assert (entry.event, entry.actor.owner, entry.reason, entry.after) == (
        AuditEvent.RELEASE_RETRIED,
        "olivia",
        "have another go",
        {"overwrite": True},
    )
    assert runs_of(world, release)[0].outcome is StageOutcome.PENDING
    assert ACTED < LATER
