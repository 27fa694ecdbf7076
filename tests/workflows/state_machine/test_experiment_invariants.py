"""The invariants of experiments themselves: a database with shipped winners violates none, and each planted violation is found."""

import shutil
from pathlib import Path

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, remove_release
from activities.messages import Made
from activities.store.database import Database
from tests.activities.guarding import later
from tests.activities.ramping import LOST, OVER, WON, ramping, take_step
from tests.pipelines import ship_winner
from tests.scripted_metrics import ScriptedMetrics
from tests.workflows.state_machine.experiment_invariants import OF_EXPERIMENTS
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.monotonic import regressions
from tests.workflows.state_machine.planting import checks_of, plant
from tests.workflows.state_machine.record import Record, ReleaseRecord, read_record
from tests.world import NOW, World, make_world

SHIPPED = "stage = 'Ship' AND event = 'flag.changed'"


@pytest.fixture(scope="module")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases: one whose winner was ramped to two of three shares, and one that shipped the control."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("template") / "template.db"))
    database = Database(f"sqlite:///{path}")
    world, metrics = make_world(database), ScriptedMetrics()
    metrics.groups["conversion"] = WON
    ramped = ramping(world, ship_winner(every="1h"))
    for _ in range(2):
        assert isinstance(take_step(world, ramped, metrics), Made)
    end(world, ramped.id)
    metrics.groups["conversion"] = LOST
    controlled = ramping(world, key="again")
    assert isinstance(take_step(world, controlled, metrics, later(OVER)), Made)
    database.close()
    return path


def end(world: World, release: str) -> None:
    with world.database.transaction() as store:
        remove_release(store, world.caller, world.project, EndOrPauseRelease(release=release), NOW)


@pytest.fixture
def path(template: Path, tmp_path: Path) -> str:
    """A copy of the template for planting violations."""
    return str(shutil.copy(template, tmp_path / "planted.db"))


def read(path: str) -> Record:
    return read_record(path, "shop")


def shipped(release: ReleaseRecord) -> list[tuple[str, int]]:
    """Return what the experiments of a release decided, and the number of steps that shipped it."""
    return [(each["ships"], len(release.changes_on(each["visit"]))) for each in release.decisions]


def test_database_with_shipped_winners_violates_no_invariant(path: str) -> None:
    record = read(path)

    assert violations(record) == []
    assert regressions(record, record) == []
    assert [shipped(release) for release in record.releases] == [[("one-page", 2)], [("control", 1)]]


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("DELETE FROM audit_entries WHERE event = 'experiment.decided'", "each_decision_has_one_audit_entry"),
        ("UPDATE decisions SET ships = 'two-pages'", "each_decision_has_one_audit_entry"),
        ("UPDATE decisions SET visit = visit + 1", "nothing_acts_before_its_experiment_has_decided"),
        ("DELETE FROM decisions WHERE ships = 'control'", "nothing_acts_before_its_experiment_has_decided"),
        (
            "UPDATE audit_entries SET after = json_set(after, '$.ships', 'two-pages') WHERE event = 'experiment.decided'",
            "what_was_decided_is_shipped",
        ),
        (
            "UPDATE audit_entries SET after = json_set(after, '$.ships', 'control') WHERE event = 'experiment.decided'",
            "what_was_decided_is_shipped",
        ),
        (
            "UPDATE changes SET after = json_set(after, '$.allocation.one-page.percent', 59) WHERE stage = 'Ship' AND step = 1"
            " AND json_extract(after, '$.allocation.one-page') IS NOT NULL",
            "what_was_decided_is_shipped",
        ),
        (
            "UPDATE changes SET after = json_set(after, '$.allocation.two-pages.at', json('[[2000, 3000]]')) WHERE stage = 'Ship'",
            "identities_move_only_to_the_winner",
        ),
        (
            "UPDATE changes SET after = json_set(after, '$.allocation.video', json('{\"percent\": 1, \"at\": [[9900, 10000]]}'))"
            " WHERE stage = 'Ship'",
            "identities_move_only_to_the_winner",
        ),
        ("UPDATE changes SET step = 3, key = release_id || '/2/3' WHERE stage = 'Ship' AND step = 2", "each_step_is_made_once"),
        ("UPDATE changes SET made_at = '2026-03-02 10:30:00.000000' WHERE stage = 'Ship' AND step = 2", "no_step_is_early"),
    ],
)
def test_violation_of_an_invariant_of_experiments_is_found(path: str, statement: str, check: str) -> None:
    plant(path, statement)

    assert check in checks_of(violations(read(path)))


def test_decision_that_was_altered_is_a_regression(path: str) -> None:
    before = read(path)

    plant(path, "UPDATE decisions SET ships = 'two-pages'")

    assert "decisions_stay" in checks_of(regressions(before, read(path)))


def test_each_invariant_of_experiments_is_found_to_be_violated() -> None:
    [mark] = test_violation_of_an_invariant_of_experiments_is_found.pytestmark  # type: ignore[attr-defined]  # pytest adds it

    assert {check.__name__ for check in OF_EXPERIMENTS} <= {check for _, check in mark.args[1]}
