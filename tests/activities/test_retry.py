"""After a conflict a person decides, and what they decide binds to what they were shown."""

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
    told,
)
from tests.pipelines import enable, pipeline, set_value, stage
from tests.world import World


def blocked_by_hand(world: World) -> Release:
    """A release blocked because somebody set the value by hand."""
    world.publish(TWO_STAGES)
    release = world.add()
    change_by_hand(world, value="by hand")
    assert isinstance(change(world, command_for(world, release)), Refused)
    return release


def try_again(world: World, release: Release) -> Made | Refused:
    answer = change(world, command_for(world, release), LATER)
    assert isinstance(answer, Made | Refused)
    return answer


def test_a_plain_retry_is_refused_again_while_the_field_is_as_somebody_set_it(world: World) -> None:
    release = blocked_by_hand(world)

    retry(world, release)
    answer = try_again(world, release)

    assert isinstance(answer, Refused)
    assert answer.blocked.since == LATER
    assert world.flag("development").value == "by hand"
    assert events_of(world, release)[1:] == [AuditEvent.RELEASE_BLOCKED, AuditEvent.RELEASE_RETRIED, AuditEvent.RELEASE_BLOCKED]


def test_a_plain_retry_passes_if_the_field_is_back(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="classic")

    retry(world, release)

    assert isinstance(try_again(world, release), Made)
    assert world.flag("development").value == "one-page"


def test_a_plain_retry_passes_if_the_field_is_at_the_target(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="one-page")

    retry(world, release)

    assert isinstance(try_again(world, release), Made)
    assert runs_of(world, release)[0].outcome is StageOutcome.ACTED, "it still enabled the flag"


def test_overwriting_goes_over_what_the_person_was_shown(world: World) -> None:
    release = blocked_by_hand(world)

    retry(world, release, overwrite=True)

    assert isinstance(try_again(world, release), Made)
    assert world.flag("development").value == "one-page"
    assert changes_of(world, release)[0].before.value == "by hand"


def test_overwriting_does_not_go_over_what_was_changed_after_the_person_looked(world: World) -> None:
    release = blocked_by_hand(world)
    change_by_hand(world, value="by another hand")

    retry(world, release, overwrite=True)
    answer = try_again(world, release)

    assert isinstance(answer, Refused)
    blocked = world.release(release.id).blocked
    assert blocked
    assert (blocked.details["seen"]["value"], blocked.details["now"]["value"]) == ("by hand", "by another hand")
    assert world.flag("development").value == "by another hand"


def test_overwriting_covers_an_override_that_somebody_made(world: World) -> None:
    world.publish(pipeline(stage("Beta", actions=[enable("beta-users")])))
    release = world.add()
    change_by_hand(world, overrides={"staff": {"enabled": True}, "beta-users": {"enabled": False, "value": "theirs"}})
    assert isinstance(change(world, command_for(world, release)), Refused)

    retry(world, release, overwrite=True)

    assert isinstance(try_again(world, release), Made)
    flag = world.flag("development")
    assert (flag.resolved("beta-users"), flag.resolved("staff")) == ((True, "theirs"), (True, "classic"))


def test_overwriting_covers_an_override_that_somebody_took_away(world: World) -> None:
    world.publish(pipeline(stage("Beta", actions=[enable("beta-users")]), stage("Off", actions=[enable("beta-users", enabled=False)])))
    release = world.add()
    act(world, release)
    change_by_hand(world, overrides={"beta-users": None})
    assert isinstance(change(world, command_for(world, release)), Refused)

    retry(world, release, overwrite=True)

    assert isinstance(try_again(world, release), Made)
    assert world.flag("development").resolved("beta-users")[0] is False


def test_a_pipeline_may_say_beforehand_that_it_overwrites(world: World) -> None:
    world.publish(TWO_STAGES | {"on_conflict": "overwrite"})
    release = world.add()
    change_by_hand(world, value="by hand")

    act(world, release)

    assert world.flag("development").value == "one-page"


def test_who_adds_a_flag_may_say_that_it_overwrites(world: World) -> None:
    world.publish(TWO_STAGES)
    release = world.add(on_conflict="overwrite")
    change_by_hand(world, value="by hand")

    act(world, release)

    assert world.flag("development").value == "one-page"


def test_what_a_release_did_itself_is_no_conflict_and_what_others_undid_is(world: World) -> None:
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


def test_a_retry_is_recorded_once_and_answers_for_who_asked(world: World) -> None:
    release = blocked_by_hand(world)
    sequence = world.release(release.id).sequence

    first = retry(world, release, overwrite=True)
    again = world.release(release.id)

    assert told(first) == {"at": LATER, "sequence": sequence + 1}
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
