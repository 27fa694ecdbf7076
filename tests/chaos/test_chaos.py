"""Releases climb while everything fails: the checks find nothing wrong afterwards, and each violation planted in what is left is found."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checks import CHECKS, wrong_with
from tests.chaos.databases import PostgresqlServer, SqliteFile
from tests.chaos.endurance import Outcome, Size, endure
from tests.chaos.evidence import Evidence, read_database
from tests.chaos.executions import Execution
from tests.chaos.faults import KILL, REFUSE, STALL, schedule_for
from tests.chaos.plan import plan_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("chaos")]

SHORT = Size(seed=7, releases=24, seconds=14, patience=90, skew=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="module")
def on_sqlite(folder: Path) -> Outcome:
    return endure(folder, SqliteFile(folder), SHORT)


def test_nothing_is_lost_or_made_twice_on_sqlite_whatever_fails(on_sqlite: Outcome) -> None:
    assert on_sqlite.wrong == []
    assert on_sqlite.kills >= 2
    assert len(on_sqlite.evidence.record.stories) == SHORT.releases


@pytest.mark.xdist_group("chaos-on-postgresql")
def test_nothing_is_lost_or_made_twice_on_postgresql_whatever_fails(tmp_path: Path) -> None:
    outcome = endure(tmp_path, PostgresqlServer(), replace(SHORT, seed=2))

    assert outcome.wrong == []
    assert outcome.kills >= 2
    assert any("database" in fault.victims for fault in outcome.faults)


def test_the_same_seed_is_the_same_run_and_another_is_another() -> None:
    def drawn(seed: int) -> object:
        faults = schedule_for(seed, 60, kinds=[KILL, STALL, REFUSE], processes=["api", "worker"], skew=True)
        return plan_for(seed, 20, 60), faults

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_checks_import_nothing_of_the_product() -> None:
    rooms = "{'api', 'workflows', 'activities', 'domain', 'settings', 'worker', 'doors', 'sqlalchemy'}"
    script = f"import sys, tests.chaos.checks; print({rooms} & {{name.partition('.')[0] for name in sys.modules}})"

    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"


Planting = Callable[[Evidence, Path], Evidence]


def in_database(statement: str, *more: str) -> Planting:
    """Write what the product never writes."""

    def plant(evidence: Evidence, path: Path) -> Evidence:
        with closing(sqlite3.connect(path)) as connection:
            written = [connection.execute(each).rowcount for each in (statement, *more)]
            connection.commit()
        assert all(written), "there is nothing to spoil"
        record, errands = read_database(path)
        return replace(evidence, record=record, errands=errands)

    return plant


def in_executions(spoil: Callable[[Execution], Iterator[Execution]], wanted: Callable[[Execution], object]) -> Planting:
    """Let Temporal tell something else of the first workflow that is of such a kind."""

    def plant(evidence: Evidence, _path: Path) -> Evidence:
        spoilt = next(each for each in evidence.executions if wanted(each))
        rest = [each for each in evidence.executions if each is not spoilt]
        return replace(evidence, executions=[*rest, *spoil(spoilt)])

    return plant


def made_otherwise(**changes: Callable[[Any], Any]) -> Planting:
    """Let the first change of a workflow that is no longer than one be told otherwise by Temporal."""

    def spoil(run: Execution) -> Iterator[Execution]:
        first = run.made[0]
        values = {name: change(getattr(first, name)) for name, change in changes.items()}
        yield run._replace(made=(first._replace(**values), *run.made[1:]))

    return in_executions(spoil, lambda run: run.made)


def a_removal_that_was_not_heard(evidence: Evidence, _path: Path) -> Evidence:
    told = next(each for each in evidence.told if each.ends == ("completed",))
    rest = [each for each in evidence.told if each is not told]
    return replace(evidence, told=[*rest, replace(told, answers={"remove": 200})])


def heard_of_sooner(evidence: Evidence, path: Path) -> Evidence:
    """Temporal heard of a pause as soon as its stage was entered, so that far more of the wait was left."""
    stories = {story.row["id"]: story for story in evidence.record.stories}
    for execution in evidence.executions:
        for run in stories[execution.workflow.split("/")[3]].runs if execution.paused else ():
            entered = datetime.fromisoformat(f"{run['entered_at']}+00:00")
            if run["acted_at"] and execution.paused and entered + timedelta(seconds=0.5) < execution.paused:
                sooner = [execution._replace(paused=entered)]
                plant = in_executions(lambda _run, sooner=sooner: iter(sooner), lambda run, it=execution: run is it)  # type: ignore[misc]
                found = plant(evidence, path)
                if wrong_with(found) != wrong_with(evidence):
                    return found
    raise AssertionError("no release was paused in the midst of a wait")


ONE_CHANGE = "(SELECT key FROM changes WHERE undoes_from IS NULL ORDER BY key LIMIT 1)"
COMPLETED = "(SELECT id FROM releases WHERE status = 'completed' ORDER BY id LIMIT 1)"
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("plant", "finding"),
    [
        (
            in_database("UPDATE stage_runs SET acted_at = entered_at, acts_at = '2999-01-01 00:00:00.000000'"),
            "the_record_keeps_what_it_promised",
        ),
        (
            in_database(f"DELETE FROM audit_entries WHERE event = 'flag.changed' AND release = {COMPLETED}"),
            "the_record_keeps_what_it_promised",
        ),
        (in_database(f"UPDATE releases SET ended_at = NULL WHERE id = {COMPLETED}"), "nothing_is_stuck"),
        (in_database(f"INSERT INTO outbox SELECT 'x', 'start', {COMPLETED}, NULL, 0"), "nothing_is_stuck"),
        (in_executions(lambda run: iter([run._replace(status="RUNNING")]), lambda run: True), "nothing_is_stuck"),
        (in_database(f"UPDATE releases SET status = 'removed' WHERE id = {COMPLETED}"), "what_was_told_is_recorded"),
        (lambda evidence, _path: replace(evidence, told=evidence.told[1:]), "what_was_told_is_recorded"),
        (lambda evidence, _path: replace(evidence, told=[*evidence.told, evidence.told[0]]), "what_was_told_is_recorded"),
        (a_removal_that_was_not_heard, "what_was_told_is_recorded"),
        (in_database("UPDATE stage_runs SET stage = 'Elsewhere' WHERE visit = 1"), "the_whole_road_was_made"),
        (in_database(f"UPDATE stage_runs SET stage = 'Elsewhere' WHERE release_id = {COMPLETED}"), "the_whole_road_was_made"),
        (in_database(f"UPDATE changes SET environment = 'elsewhere' WHERE key = {ONE_CHANGE}"), "changes_are_what_the_pipeline_says"),
        (
            in_database("UPDATE changes SET after = json_set(after, '$.value', 'other') WHERE json_extract(after, '$.value') IS NOT NULL"),
            "changes_are_what_the_pipeline_says",
        ),
        (
            in_database("UPDATE feature_states SET state = json_set(state, '$.value', 'other') WHERE rowid = 1"),
            "flags_end_where_the_pipelines_say",
        ),
        (in_executions(lambda run: iter([run, run]), lambda run: run.type == "Release"), "each_release_has_one_workflow"),
        (in_executions(lambda run: iter([]), lambda run: run.type == "Release" and run.made), "each_release_has_one_workflow"),
        (
            in_executions(lambda run: iter([run, run._replace(workflow="release/shop/x/other")]), lambda run: run.made),
            "each_release_has_one_workflow",
        ),
        (made_otherwise(sequence=lambda sequence: sequence + 1), "temporal_made_what_is_recorded"),
        (in_executions(lambda run: iter([run._replace(made=run.made * 2)]), lambda run: run.made), "temporal_made_what_is_recorded"),
        (
            in_executions(lambda run: iter([run._replace(made=run.made[1:])]), lambda run: len(run.made) > 1),
            "temporal_made_what_is_recorded",
        ),
        (in_database(f"DELETE FROM changes WHERE key = {ONE_CHANGE}"), "temporal_made_what_is_recorded"),
        (made_otherwise(due=lambda due: due + MINUTE), "nothing_is_made_before_temporal_asked"),
        (made_otherwise(made_at=lambda at: at - MINUTE), "nothing_is_made_before_temporal_asked"),
        (heard_of_sooner, "a_pause_takes_nothing_off_a_wait"),
        (lambda evidence, _path: replace(evidence, surprises=["500"]), "nobody_met_a_defect"),
        (lambda evidence, _path: replace(evidence, logs={"api": f"it was {evidence.keys[0]}"}), "no_log_has_a_key"),
    ],
)
def test_a_violation_is_found(on_sqlite: Outcome, folder: Path, tmp_path: Path, plant: Planting, finding: str) -> None:
    path = Path(shutil.copy(folder / "evidence.db", tmp_path / "spoilt.db"))

    spoilt = plant(on_sqlite.evidence, path)

    assert finding in {each.partition(":")[0] for each in wrong_with(spoilt)}


def test_each_check_has_a_violation_that_it_must_find() -> None:
    (marks,) = [mark for mark in test_a_violation_is_found.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {finding for _, finding in marks.args[1]} == {check.__name__ for check in CHECKS}
