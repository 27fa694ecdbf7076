"""Breaches of guardrails: what the record says, and what the flag is, after each."""

import pytest

from activities.guarding.breach import take_breach
from activities.guarding.sampling import Reading, Readings, record_readings
from activities.messages import Resumed
from activities.record.transitions import block
from activities.store.evidence import WatchKey
from activities.store.outbox import OutboxKind
from domain.access import Person
from domain.audit import AuditEvent
from domain.errors import RightMissing
from domain.metrics.condition import Outcome, Verdict
from domain.metrics.sample import Unknown
from domain.pipelines.guardrail import Guardrail
from domain.releases.status import ReleaseStatus
from tests.activities.acting import audit_of, change, change_by_hand, events_of, record
from tests.activities.guarding import BAD, GOOD, errors, guarded_command, later, look, observed, release_in_force
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World


@pytest.fixture
def metrics() -> ScriptedMetrics:
    return ScriptedMetrics()


def fail_twice(world: World, release_id: str, metrics: ScriptedMetrics) -> None:
    release = world.release(release_id)
    metrics.values["error-rate"] = BAD
    look(world, release, metrics, later(30))
    look(world, release, metrics, later(60))


def test_breach_puts_the_flag_back_at_once_without_a_workflow(world: World, metrics: ScriptedMetrics) -> None:
    before = world.flag("production")
    release = release_in_force(world, errors())
    assert world.flag("production") != before

    fail_twice(world, release.id, metrics)

    assert world.flag("production") == before
    after = world.release(release.id)
    assert after.status is ReleaseStatus.ROLLED_BACK
    assert after.rollback
    assert after.rollback.guardrail == "Errors"
    assert "The value is 0.2" in str(after.rollback.reason)
    assert AuditEvent.GUARDRAIL_BREACHED in events_of(world, release)


@pytest.mark.parametrize("name", ["🚦" * 120, 'it\'s "bad"; DROP TABLE releases --', "Ünïcödé 💥 <b>"])
@pytest.mark.parametrize(
    ("consequence", "status"),
    [({}, "rolled_back"), ({"on_breach": "pause"}, "paused"), ({"to_stage": "Development"}, "rolling_back")],
)
def test_guardrail_of_any_name_is_enforced(
    world: World, metrics: ScriptedMetrics, name: str, consequence: dict[str, str], status: str
) -> None:
    metrics.values["error-rate"] = 1.7e308
    release = release_in_force(world, errors(name=name, failures=1, **consequence))

    look(world, release, metrics, later(30))

    assert world.release(release.id).status == status


def test_one_failure_is_not_two(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    for seconds, value in ((30, BAD), (60, GOOD), (90, BAD)):
        metrics.values["error-rate"] = value
        assert not look(world, release, metrics, later(seconds))

    assert world.release(release.id) == release


def test_rollback_to_a_stage_is_left_to_the_workflow(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(to_stage="Development"))

    fail_twice(world, release.id, metrics)

    after = world.release(release.id)
    assert after.status is ReleaseStatus.ROLLING_BACK
    assert after.rollback
    assert (after.rollback.to_stage, after.rollback.undoes_from) == ("Development", 1)
    with world.database.reading() as store:
        assert store.outbox.has_work(later(60))


def test_breach_pauses(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(on_breach="pause"))

    fail_twice(world, release.id, metrics)

    after = world.release(release.id)
    assert after.status is ReleaseStatus.PAUSED
    assert after.paused
    assert after.paused.by == "guardrail 'Errors'"
    assert world.flag("production") != world.flag("staging")


@pytest.mark.parametrize("more", [{"on_breach": "notify"}, {"shadow": True}, {"shadow": True, "on_breach": "pause"}])
def test_guardrail_that_only_tells_people_changes_nothing(world: World, metrics: ScriptedMetrics, more: dict[str, object]) -> None:
    release = release_in_force(world, errors(**more))

    fail_twice(world, release.id, metrics)

    assert world.release(release.id) == release
    breached = [entry for entry in audit_of(world, release) if entry.event is AuditEvent.GUARDRAIL_BREACHED]
    assert [entry.after and entry.after["shadow"] for entry in breached] == [more.get("shadow", False)]


def test_breach_is_taken_once(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(on_breach="pause"))
    fail_twice(world, release.id, metrics)
    paused = world.release(release.id)

    assert not look(world, release, metrics, later(90))

    assert world.release(release.id) == paused
    assert events_of(world, release).count(AuditEvent.GUARDRAIL_BREACHED) == 1


def test_breach_of_a_paused_release_is_told_once(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(on_breach="pause", failures=1))
    metrics.values["error-rate"] = BAD
    for number in range(1, 6):
        look(world, release, metrics, later(30 * number))

    assert world.release(release.id).status is ReleaseStatus.PAUSED
    assert events_of(world, release).count(AuditEvent.GUARDRAIL_BREACHED) == 1


def test_breach_after_a_resume_pauses_again(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(on_breach="pause"))
    fail_twice(world, release.id, metrics)
    look(world, release, metrics, later(90))
    by = Person(key=world.caller.key, owner=world.caller.owner.name, owner_id=world.caller.owner_id)
    record(world, release, Resumed(by=by, entered_at=later(0)), later(100))

    statuses = []
    for seconds in (120, 150, 180):
        look(world, release, metrics, later(seconds))
        statuses.append(world.release(release.id).status)

    assert statuses == [ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ReleaseStatus.PAUSED]
    assert events_of(world, release).count(AuditEvent.GUARDRAIL_BREACHED) == 2


def test_blocked_rollback_of_a_guardrail_is_requested_once(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(to_stage="Development", failures=1))
    metrics.values["error-rate"] = BAD
    look(world, release, metrics, later(30))
    with world.database.transaction() as store:
        refused = RightMissing("The provider refused.", environment="production")
        block(store, store.releases.get(release.id, lock=True), refused, later(31), "refused/1")
    blocked = world.release(release.id)

    for number in range(2, 6):
        look(world, release, metrics, later(30 * number))

    assert world.release(release.id) == blocked
    assert events_of(world, release).count(AuditEvent.GUARDRAIL_BREACHED) == 1


def test_two_watches_of_one_visit_count_a_failure_once(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    metrics.values["error-rate"] = BAD
    for seconds in (30, 30.02, 30.04, 31):
        assert not look(world, release, metrics, later(seconds))

    assert world.release(release.id) == release
    look(world, release, metrics, later(60))
    assert world.release(release.id).status is ReleaseStatus.ROLLED_BACK


def test_breach_of_a_stage_that_was_left_changes_nothing(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(failures=1))
    guardrail, watch = Guardrail.model_validate(errors(failures=1)), WatchKey(release.id, release.visit, "guardrail:Errors")
    metrics.values["error-rate"] = GOOD
    change(world, guarded_command(world, release), later(3600), metrics=metrics)
    left = world.release(release.id)
    assert left.stage == "Watch"

    with world.database.transaction() as store:
        late = Readings(watch, guardrail, [Reading(later(3601), Verdict(Outcome.FAIL, BAD, "Too many."))])
        assert record_readings(store, [late])[watch].breaches(guardrail)
        assert take_breach(store, "shop", watch, guardrail, later(3601)) is None

    assert world.release(release.id) == left


def test_rollback_leaves_what_a_person_changed_since(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    change_by_hand(world, "production", value="by hand")

    fail_twice(world, release.id, metrics)

    assert world.flag("production").value == "by hand"
    assert not world.flag("production").overrides


def test_unknown_samples_are_reported_once_and_change_nothing(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    metrics.values["error-rate"] = Unknown(code="source_down", message="Prometheus can't be reached.")
    for number in range(1, 6):
        assert not look(world, release, metrics, later(30 * number))

    assert world.release(release.id) == release
    assert observed(world, release)["guardrail:Errors"].unknowns == 5


def test_paused_and_blocked_releases_are_rolled_back_too(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(on_breach="pause"), errors(name="Worse", failures=3))

    metrics.values["error-rate"] = BAD
    statuses = []
    for number in range(1, 4):
        look(world, release, metrics, later(30 * number))
        statuses.append(world.release(release.id).status)

    assert statuses == [ReleaseStatus.RUNNING, ReleaseStatus.PAUSED, ReleaseStatus.ROLLED_BACK]


def test_breach_tells_the_workflow(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    with world.database.transaction() as store:
        for entry in store.outbox.lease(later(0), 10):
            store.outbox.delete(entry)

    fail_twice(world, release.id, metrics)

    with world.database.transaction() as store:
        assert [(each.kind, each.release) for each in store.outbox.lease(later(60), 10)] == [(OutboxKind.LOOK_AGAIN, release.id)]
