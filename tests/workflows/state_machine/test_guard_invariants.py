"""The invariants of guardrails themselves: a database with breaches violates none, and each planted violation is found."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from activities.messages import HeldBack, Made, Resumed
from activities.store.database import Database
from domain.access import Person
from domain.metrics.check import CheckAnswer
from domain.metrics.condition import Outcome
from tests.activities.acting import change, record
from tests.activities.guarding import BAD, GOOD, errors, guarded_command, later, look, passing_for, release_in_force
from tests.scripted_metrics import ScriptedMetrics
from tests.workflows.state_machine.guard_invariants import OF_GUARDRAILS
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.planting import checks_of, plant
from tests.workflows.state_machine.record import read_record
from tests.world import World, make_world

GATES = (passing_for("1m"), {"type": "CHECK", "source": "deploys", "path": "/ready"})
GUARDRAILS = (
    errors(stages=["Everyone", "Watch"]),
    errors(name="Shadow", failures=1, shadow=True),
    errors(name="Told", failures=1, on_breach="notify"),
    errors(name="Slow", metric="speed", failures=1, on_breach="pause"),
)


@pytest.fixture(scope="module")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that one guardrail paused, that acted once everything had passed, and that another guardrail rolled back."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("template") / "template.db"))
    database = Database(f"sqlite:///{path}")
    rolled_back(make_world(database))
    database.close()
    return path


def rolled_back(world: World) -> None:
    metrics = ScriptedMetrics()
    metrics.values |= {"error-rate": GOOD, "speed": GOOD}
    release = release_in_force(world, *GUARDRAILS, gates=GATES)
    for seconds in (3540, 3570):
        look(world, release, metrics, later(seconds))
    assert isinstance(change(world, guarded_command(world, release), later(3599), metrics=metrics), HeldBack)
    metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.PASS, message="Ready.")
    metrics.values["speed"] = BAD
    look(world, release, metrics, later(3600))
    metrics.values["speed"] = GOOD
    resumed(world, release.id, later(3601))
    assert isinstance(change(world, guarded_command(world, release), later(3610), metrics=metrics), Made)
    metrics.values["error-rate"] = BAD
    watched = world.release(release.id)
    for seconds in (4000, 4030):
        look(world, watched, metrics, later(seconds))


def resumed(world: World, release: str, at: datetime) -> None:
    """Resume as a person does."""
    person = Person(key=world.caller.key, owner=world.caller.owner.name, owner_id=world.caller.owner_id)
    record(world, world.release(release), Resumed(by=person, entered_at=later(0)), at)


@pytest.fixture
def path(template: Path, tmp_path: Path) -> str:
    """A copy of the template for planting violations."""
    return str(shutil.copy(template, tmp_path / "planted.db"))


def test_database_with_breaches_violates_no_invariant(path: str) -> None:
    record = read_record(path, "shop")

    assert violations(record) == []
    events = [entry["event"] for entry in record.audit]
    assert events.count("guardrail.breached") == 2
    assert {"release.paused", "release.rolled_back"} <= {*events}


OF = "WHERE watch_id = (SELECT id FROM watches WHERE visit = {visit} AND key = '{key}')"
LAST_BREACH = "WHERE rowid = (SELECT max(rowid) FROM audit_entries WHERE event = 'guardrail.breached')"
AFTER = f"(SELECT after FROM audit_entries {LAST_BREACH})"
FIRST_BREACH = "WHERE rowid = (SELECT min(rowid) FROM audit_entries WHERE event = 'guardrail.breached')"
PIPELINES = "UPDATE pipelines SET definition ="

VIOLATIONS = (
    (f"UPDATE samples SET outcome = 2 {OF.format(visit=3, key='guardrail:Errors')}", "nothing_acts_unless_its_guardrails_pass"),
    (f"UPDATE samples SET outcome = 1 {OF.format(visit=3, key='guardrail:Slow')}", "nothing_acts_unless_its_guardrails_pass"),
    (f"UPDATE samples SET at = at - 61000 {OF.format(visit=3, key='guardrail:Errors')}", "nothing_acts_unless_its_guardrails_pass"),
    (f"DELETE FROM samples {OF.format(visit=3, key='guardrail:Errors')}", "nothing_acts_unless_its_guardrails_pass"),
    (
        f"UPDATE samples SET outcome = 2 {OF.format(visit=3, key='gate:1')} AND at % 60000 = 0",
        "nothing_acts_unless_its_metrics_have_passed",
    ),
    (f"UPDATE samples SET outcome = 1 {OF.format(visit=3, key='gate:1')}", "nothing_acts_unless_its_metrics_have_passed"),
    (f"{PIPELINES} replace(definition, 'PT1M', 'PT2M')", "nothing_acts_unless_its_metrics_have_passed"),
    (f"{PIPELINES} replace(definition, 'PT30S', 'PT1S')", "nothing_acts_unless_its_metrics_have_passed"),
    (f"UPDATE samples SET outcome = 1 {OF.format(visit=3, key='gate:2')}", "nothing_acts_unless_its_checks_pass"),
    (f"DELETE FROM samples {OF.format(visit=3, key='gate:2')}", "nothing_acts_unless_its_checks_pass"),
    (f"UPDATE samples SET outcome = 2 {OF.format(visit=4, key='guardrail:Errors')}", "breaches_have_failures_of_their_own"),
    (f"{PIPELINES} replace(definition, '\"failures\": 2', '\"failures\": 3')", "breaches_have_failures_of_their_own"),
    (f"{PIPELINES} replace(definition, 'PT30S', 'PT10M')", "breaches_have_failures_of_their_own"),
    (
        f"UPDATE audit_entries SET event = 'guardrail.breached', after = {AFTER} WHERE event = 'stage.waiting'",
        "breaches_have_failures_of_their_own",
    ),
    (f"UPDATE audit_entries SET after = json_set(after, '$.guardrail', 'Shadow') {LAST_BREACH}", "guardrails_do_nothing_without_a_breach"),
    (f"UPDATE audit_entries SET after = json_set(after, '$.guardrail', 'Told') {LAST_BREACH}", "guardrails_do_nothing_without_a_breach"),
    (f"DELETE FROM audit_entries {FIRST_BREACH}", "guardrails_do_nothing_without_a_breach"),
    ("DELETE FROM audit_entries WHERE event = 'release.paused'", "breaches_have_their_consequence"),
    ("UPDATE audit_entries SET event = 'release.removed' WHERE event = 'release.rolling_back'", "breaches_have_their_consequence"),
    (
        "UPDATE audit_entries SET after = json_set(after, '$.enabled', json('true')) WHERE event = 'flag.changed' AND stage IS NULL",
        "rolled_back_flags_are_as_before",
    ),
)


@pytest.mark.parametrize(("statement", "check"), VIOLATIONS)
def test_violation_of_a_guard_invariant_is_found(path: str, statement: str, check: str) -> None:
    plant(path, statement)

    assert check in checks_of(violations(read_record(path, "shop")))


def test_each_invariant_has_a_planted_violation() -> None:
    assert {check for _, check in VIOLATIONS} == {check.__name__ for check in OF_GUARDRAILS}
