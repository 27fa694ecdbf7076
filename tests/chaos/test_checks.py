"""Whatever the checks are there to find, they find: each violation that is planted in what a run left behind."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checks import CHECKS, wrong_with
from tests.chaos.conftest import ON_SQLITE, Run
from tests.chaos.evidence import Evidence, read_database
from tests.chaos.executions import Execution
from tests.chaos.faults import KILL, REFUSE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]

Planting = Callable[[Evidence, Path], Evidence]


def in_database(statement: str, *more: str) -> Planting:
    """Write what the product never writes."""

    def plant(evidence: Evidence, path: Path) -> Evidence:
        with closing(sqlite3.connect(path)) as connection:
            written = [connection.execute(each).rowcount for each in (statement, *more)]
            connection.commit()
        assert all(written), "there is nothing to spoil"
        record, entries = read_database(path)
        return replace(evidence, record=record, entries=entries)

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


def a_pause_for_the_whole_wait(evidence: Evidence, _path: Path) -> Evidence:
    """A release was paused as it entered a stage until just before that acted, as though no wait had been left."""
    for story in evidence.record.releases:
        for run in story.runs:
            waits = "duration" in story.stage_of(run)["trigger"] and run["acted_at"]
            executions = [each for each in evidence.executions if each.workflow.endswith(story.row["id"])]
            if waits and executions and not any(entry["event"] == "release.resumed" for entry in story.audit):
                resumed = story.audit[0] | {"event": "release.resumed", "at": story.changes_on(run["visit"])[0]["made_at"]}
                releases = [replace(each, audit=[*each.audit, resumed]) if each is story else each for each in evidence.record.releases]
                paused = executions[0]._replace(paused=datetime.fromisoformat(f"{run['entered_at']}+00:00"))
                others = [each for each in evidence.executions if each is not executions[0]]
                return replace(evidence, record=replace(evidence.record, releases=releases), executions=[*others, paused])
    raise AssertionError("no release waited")


ONE_CHANGE = "(SELECT key FROM changes WHERE undoes_from IS NULL ORDER BY key LIMIT 1)"
COMPLETED = "(SELECT id FROM releases WHERE status = 'completed' ORDER BY id LIMIT 1)"
TOLD_CHANGE = "(SELECT min(rowid) FROM audit_entries WHERE event = 'flag.changed' AND release IS NOT NULL)"
MINUTE = timedelta(minutes=1)


VIOLATIONS: tuple[tuple[Planting, str], ...] = (
    (
        in_database("UPDATE stage_runs SET acted_at = entered_at, acts_at = '2999-01-01 00:00:00.000000'"),
        "the_record_keeps_what_it_promised",
    ),
    (
        in_database(f"DELETE FROM audit_entries WHERE rowid = {TOLD_CHANGE}"),
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
    (a_pause_for_the_whole_wait, "a_pause_takes_nothing_off_a_wait"),
    (lambda evidence, _path: replace(evidence, surprises=["500"]), "nobody_met_a_defect"),
    (lambda evidence, _path: replace(evidence, logs={"api": f"it was {evidence.keys[0]}"}), "no_log_has_a_key"),
)


# One test, so that one run is enough wherever tests are distributed.
def test_nothing_is_lost_or_made_twice_on_sqlite_and_each_violation_that_is_planted_afterwards_is_found(
    on_sqlite: Run, tmp_path: Path
) -> None:
    assert on_sqlite.outcome.wrong == []
    assert len(on_sqlite.outcome.evidence.record.releases) == ON_SQLITE.releases
    assert {fault.kind for fault in on_sqlite.outcome.faults} == {KILL, REFUSE}
    for number, (plant, finding) in enumerate(VIOLATIONS):
        path = Path(shutil.copy(on_sqlite.folder / "evidence.db", tmp_path / f"{number}.db"))
        spoilt = plant(on_sqlite.outcome.evidence, path)
        assert finding in {each.partition(":")[0] for each in wrong_with(spoilt)}, f"violation {number} was not found by {finding}"


def test_each_check_has_a_violation_that_it_must_find() -> None:
    assert {finding for _, finding in VIOLATIONS} == {check.__name__ for check in CHECKS}
