"""The checks find every kind of violation that is planted in what a run left behind."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checks import CHECKS, violations_in
from tests.chaos.conftest import ON_SQLITE, Run
from tests.chaos.evidence import Evidence, read_database
from tests.chaos.executions import Execution
from tests.chaos.faults import KILL, REFUSE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # A run waits for rest, however long a busy machine needs.

Planting = Callable[[Evidence, Path], Evidence]


def in_database(statement: str, *more: str) -> Planting:
    """Return a planting that writes to the database what the product never writes."""

    def plant(evidence: Evidence, path: Path) -> Evidence:
        with closing(sqlite3.connect(path)) as connection:
            written = [connection.execute(each).rowcount for each in (statement, *more)]
            connection.commit()
        assert all(written), "nothing was changed"
        record, entries = read_database(path)
        return replace(evidence, record=record, outbox_entries=entries)

    return plant


def in_executions(spoil: Callable[[Execution], Iterator[Execution]], matches: Callable[[Execution], object]) -> Planting:
    """Return a planting that replaces the first workflow that matches."""

    def plant(evidence: Evidence, _path: Path) -> Evidence:
        spoilt = next(each for each in evidence.executions if matches(each))
        rest = [each for each in evidence.executions if each is not spoilt]
        return replace(evidence, executions=[*rest, *spoil(spoilt)])

    return plant


def in_first_change(**changes: Callable[[Any], Any]) -> Planting:
    """Return a planting that alters fields of the first change in a workflow's history."""

    def spoil(run: Execution) -> Iterator[Execution]:
        first = run.made[0]
        values = {name: change(getattr(first, name)) for name, change in changes.items()}
        yield run._replace(made=(first._replace(**values), *run.made[1:]))

    return in_executions(spoil, lambda run: run.made)


def ignored_removal(evidence: Evidence, _path: Path) -> Evidence:
    completed = next(each for each in evidence.acknowledged if each.expected_statuses == ("completed",))
    rest = [each for each in evidence.acknowledged if each is not completed]
    return replace(evidence, acknowledged=[*rest, replace(completed, answers={"remove": 200})])


def guarded_flag_was_bad_all_along(evidence: Evidence, _path: Path) -> Evidence:
    """Let every flag be bad from the start, also those whose guarded stages acted."""
    features = {entry["feature"] for story in evidence.record.releases for entry in story.audit}
    return replace(evidence, bad_at=dict.fromkeys(features, datetime(2020, 1, 1, tzinfo=UTC)))


def breach_before_a_change(evidence: Evidence, _path: Path) -> Evidence:
    """Let a guardrail of a release be breached before its first change."""
    story = next(
        each for each in evidence.record.releases if each.changes and "Errors" in [guardrail["name"] for guardrail in each.guardrails]
    )
    breach = story.audit[0] | {
        "id": "another",
        "event": "guardrail.breached",
        "after": {"guardrail": "Errors", "consequence": "roll back", "shadow": False},
    }
    releases = [
        replace(each, audit=[each.audit[0], breach, *each.audit[1:]]) if each is story else each for each in evidence.record.releases
    ]
    return replace(evidence, record=replace(evidence.record, releases=releases))


def rolled_back_by_one_that_must_not(evidence: Evidence, _path: Path) -> Evidence:
    """Let a release be rolled back by a guardrail in shadow, or by one that only tells people."""
    for story in evidence.record.releases:
        for guardrail in story.guardrails:
            if guardrail["shadow"] or guardrail["on_breach"] == "notify":
                spoilt = replace(story, row=story.row | {"rollback": {"guardrail": guardrail["name"], "undoes_from": 0}})
                releases = [spoilt if each is story else each for each in evidence.record.releases]
                return replace(evidence, record=replace(evidence.record, releases=releases))
    raise AssertionError("no guardrail only tells people")


def pause_for_the_whole_wait(evidence: Evidence, _path: Path) -> Evidence:
    """Pause a release from the entry of a stage until just before it acted, as if no wait had been left."""
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
AUDITED_CHANGE = "(SELECT min(rowid) FROM audit_entries WHERE event = 'flag.changed' AND release IS NOT NULL)"
MINUTE = timedelta(minutes=1)
OF_CHANGES = (
    "(SELECT w.id FROM watches w JOIN changes c ON c.release_id = w.release_id AND c.visit = w.visit "
    "WHERE w.key = 'guardrail:Errors' AND c.undoes_from IS NULL)"
)


VIOLATIONS: tuple[tuple[Planting, str], ...] = (
    (
        in_database("UPDATE stage_runs SET acted_at = entered_at, acts_at = '2999-01-01 00:00:00.000000'"),
        "record_keeps_its_promises",
    ),
    (
        in_database(f"DELETE FROM audit_entries WHERE rowid = {AUDITED_CHANGE}"),
        "record_keeps_its_promises",
    ),
    (in_database(f"UPDATE releases SET ended_at = NULL WHERE id = {COMPLETED}"), "nothing_is_stuck"),
    (in_database(f"INSERT INTO outbox (id, kind, release_id, attempts) SELECT 'x', 'start', {COMPLETED}, 0"), "nothing_is_stuck"),
    (in_executions(lambda run: iter([run._replace(status="RUNNING")]), lambda run: True), "nothing_is_stuck"),
    (in_database(f"UPDATE releases SET status = 'removed' WHERE id = {COMPLETED}"), "acknowledged_releases_are_recorded"),
    (lambda evidence, _path: replace(evidence, acknowledged=evidence.acknowledged[1:]), "acknowledged_releases_are_recorded"),
    (
        lambda evidence, _path: replace(evidence, acknowledged=[*evidence.acknowledged, evidence.acknowledged[0]]),
        "acknowledged_releases_are_recorded",
    ),
    (ignored_removal, "acknowledged_releases_are_recorded"),
    (in_database("UPDATE stage_runs SET stage = 'Elsewhere' WHERE visit = 1"), "releases_run_from_start_to_end"),
    (in_database(f"UPDATE stage_runs SET stage = 'Elsewhere' WHERE release_id = {COMPLETED}"), "releases_run_from_start_to_end"),
    (in_database(f"UPDATE changes SET environment = 'elsewhere' WHERE key = {ONE_CHANGE}"), "changes_match_the_pipeline"),
    (
        in_database("UPDATE changes SET after = json_set(after, '$.value', 'other') WHERE json_extract(after, '$.value') IS NOT NULL"),
        "changes_match_the_pipeline",
    ),
    (
        in_database("UPDATE feature_states SET state = json_set(state, '$.value', 'other') WHERE rowid = 1"),
        "flags_end_as_the_pipelines_say",
    ),
    (in_executions(lambda run: iter([run, run]), lambda run: run.type == "Release"), "each_release_has_one_workflow"),
    (in_executions(lambda run: iter([]), lambda run: run.type == "Release" and run.made), "each_release_has_one_workflow"),
    (
        in_executions(lambda run: iter([run, run._replace(workflow="release/shop/x/other")]), lambda run: run.made),
        "each_release_has_one_workflow",
    ),
    (in_first_change(sequence=lambda sequence: sequence + 1), "temporal_ran_what_is_recorded"),
    (in_executions(lambda run: iter([run._replace(made=run.made * 2)]), lambda run: run.made), "temporal_ran_what_is_recorded"),
    (
        in_executions(lambda run: iter([run._replace(made=run.made[1:])]), lambda run: len(run.made) > 1),
        "temporal_ran_what_is_recorded",
    ),
    (in_database(f"DELETE FROM changes WHERE key = {ONE_CHANGE}"), "temporal_ran_what_is_recorded"),
    (in_first_change(caused=lambda at: at + MINUTE), "no_change_is_made_before_its_cause"),
    (in_first_change(made_at=lambda at: at - MINUTE), "no_change_is_made_before_its_cause"),
    (pause_for_the_whole_wait, "pause_does_not_shorten_a_wait"),
    (guarded_flag_was_bad_all_along, "bad_flags_are_rolled_back"),
    (breach_before_a_change, "nothing_changes_after_a_breach"),
    (in_database(f"UPDATE samples SET outcome = 2 WHERE watch_id IN {OF_CHANGES}"), "guarded_changes_have_a_passing_sample"),
    (in_database(f"UPDATE samples SET at = at - 61000 WHERE watch_id IN {OF_CHANGES}"), "guarded_changes_have_a_passing_sample"),
    (in_database(f"DELETE FROM samples WHERE watch_id IN {OF_CHANGES}"), "guarded_changes_have_a_passing_sample"),
    (rolled_back_by_one_that_must_not, "shadows_change_nothing"),
    (lambda evidence, _path: replace(evidence, surprises=["500"]), "no_defect_was_seen"),
    (lambda evidence, _path: replace(evidence, logs={"api": f"it was {evidence.keys[0]}"}), "no_log_contains_a_key"),
)


# One test, so that one run is enough however tests are distributed.
def test_nothing_is_lost_or_made_twice_on_sqlite_and_planted_violations_are_found(on_sqlite: Run, tmp_path: Path) -> None:
    assert on_sqlite.outcome.violations == []
    assert len(on_sqlite.outcome.evidence.record.releases) == ON_SQLITE.releases
    assert {fault.kind for fault in on_sqlite.outcome.faults} == {KILL, REFUSE}
    for number, (plant, finding) in enumerate(VIOLATIONS):
        path = Path(shutil.copy(on_sqlite.folder / "evidence.db", tmp_path / f"{number}.db"))
        spoilt = plant(on_sqlite.outcome.evidence, path)
        assert finding in {each.partition(":")[0] for each in violations_in(spoilt)}, f"violation {number} was not found by {finding}"


def test_each_check_has_a_planted_violation() -> None:
    assert {finding for _, finding in VIOLATIONS} == {check.__name__ for check in CHECKS}
