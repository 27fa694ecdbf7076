"""The record in the database, read with plain SQL and without any code of the product."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

Row = dict[str, Any]

_DOCUMENTS = {
    "state",
    "default_state",
    "definition",
    "patch",
    "before",
    "after",
    "blocked",
    "paused",
    "parameters",
    "rollback",
    "held",
    "observed",
    "decision",
    "environments",
}

_RELEASES = (
    "SELECT r.*, p.definition FROM releases r JOIN pipelines p ON p.id = r.pipeline_id JOIN projects o ON o.id = r.project_id "
    "WHERE o.key = ? ORDER BY r.rowid"
)
_RUNS = "SELECT * FROM stage_runs WHERE release_id = ? ORDER BY visit"
_SEEN = "SELECT * FROM seen WHERE release_id = ?"
_CHANGES = "SELECT * FROM changes WHERE release_id = ? ORDER BY sequence, environment"
_WATCHES = "SELECT * FROM watches WHERE release_id = ? ORDER BY id"
_SAMPLES = "SELECT at, value, outcome FROM samples WHERE watch_id = ? ORDER BY at"
_DECISIONS = "SELECT * FROM decisions WHERE release_id = ? ORDER BY visit"
_APPROVALS = "SELECT * FROM approvals WHERE release_id = ? ORDER BY rowid"
_FREEZES = "SELECT z.* FROM freezes z JOIN projects o ON o.id = z.project_id WHERE o.key = ? ORDER BY z.rowid"
_STOPS = "SELECT s.* FROM stops s JOIN projects o ON o.id = s.project_id WHERE o.key = ? ORDER BY s.rowid"
_AUDIT = "SELECT * FROM audit_entries WHERE project = ? ORDER BY rowid"
_FLAGS = (
    "SELECT f.key AS feature, f.salt, e.key AS environment, f.default_state, s.state "
    "FROM features f JOIN environments e ON e.project_id = f.project_id "
    "LEFT JOIN feature_states s ON s.feature_id = f.id AND s.environment_id = e.id JOIN projects o ON o.id = f.project_id WHERE o.key = ?"
)

CHANGES = ("flag.changed", "stage.unchanged")
"""The audit events of a change made by a stage."""

_LEAVING = ("stage.hold_ended", "stage.skipped", "release.restarted")
"""After these events a release is on its next visit, or done. After a change it is so only if that was the last step."""

_ENDS = {"release.completed": "completed", "release.removed": "removed", "release.terminated": "terminated"}

_NO_WRITES = (
    "release.added",
    "release.completed",
    "release.approved",
    "release.rejected",
    "stage.waiting",
    "guardrail.breached",
    "guardrail.cannot_tell",
    "experiment.decided",
    "experiment.all_worse",
)
"""Events without a write of their own: they accompany another event or the first write, or decide nothing yet."""


@dataclass(frozen=True)
class ReleaseRecord:
    """One release with all its rows, in the order of writing. `put_back` has the changes made by rollbacks."""

    row: Row
    stages: list[Row]
    runs: list[Row]
    changes: list[Row]
    put_back: list[Row]
    seen: list[Row]
    approvals: list[Row]
    audit: list[Row]
    guardrails: list[Row]
    watches: list[Row]
    """The guardrails and gates that were sampled on its visits, each with its samples."""
    decisions: list[Row]
    """The decisions of its experiments."""

    @property
    def writes(self) -> list[Row]:
        """Its audit entries, one for each write to its row."""
        return [entry for entry, is_rollback_change in self._entries() if not is_rollback_change]

    @property
    def rollback_entries(self) -> list[Row]:
        """Its audit entries for the changes made by rollbacks."""
        return [entry for entry, is_rollback_change in self._entries() if is_rollback_change]

    def _entries(self) -> Iterator[tuple[Row, bool]]:
        rolling_back = False
        for entry in self.audit:
            if entry["event"] not in _NO_WRITES:
                yield entry, rolling_back and entry["event"] in CHANGES
                continues = entry["event"] in (*CHANGES, "release.blocked", "release.retried")
                rolling_back = entry["event"] == "release.rolling_back" or (rolling_back and continues)

    def stage_of(self, run: Row) -> Row:
        """Return the stage of a visit."""
        return self.stages[run["stage_index"]]

    def changes_on(self, visit: int) -> list[Row]:
        """Return the changes made on one visit."""
        return [change for change in self.changes if change["visit"] == visit]

    def writes_on(self, visit: int) -> list[str]:
        """Return the events of the writes made on one visit."""
        return [entry["event"] for current, entry in self.writes_by_visit() if current == visit]

    def writes_by_visit(self) -> Iterator[tuple[int, Row]]:
        """Yield each write with the visit on which it was made."""
        stages = {run["visit"]: self.stage_of(run) for run in self.runs}
        last_steps = {each["sequence"] for each in self.changes if each["visit"] in stages and is_last(each, stages[each["visit"]])}
        visit = 1
        for number, entry in enumerate(self.writes, start=1):
            yield visit, entry
            visit += entry["event"] in _LEAVING or number in last_steps or returned_to(entry) is not None


def end_in(entry: Row) -> str | None:
    """Return the status with which the release ends in this entry, if it does."""
    if entry["event"] == "release.rolled_back" and returned_to(entry) is None:
        return "rolled_back"
    return _ENDS.get(entry["event"])


def returned_to(entry: Row) -> str | None:
    """Return the stage to which the entry rolled the release back, or None for a complete rollback and other events."""
    return entry["after"]["to_stage"] if entry["event"] == "release.rolled_back" else None


def rollout_of(stage: Row) -> Row | None:
    """Return the action of a stage that has steps, if there is one: a rollout, or a winner that is ramped."""
    return next((action for action in stage["actions"] if "initial" in action), None)


def is_last(change: Row, stage: Row) -> bool:
    """True if the change is the last one of its stage. A ramp ends early if it ships the control."""
    rollout = rollout_of(stage)
    if rollout and rollout["type"] == "SHIP_WINNER" and not change["patch"]["allocation"]:
        return True
    return int(change["step"]) == steps_of(stage)


def steps_of(stage: Row) -> int:
    """Return how many changes a stage makes: 0 for a hold."""
    rollout = rollout_of(stage)
    return ceil((100 - rollout["initial"]) / rollout["step"]) + 1 if rollout else min(len(stage["actions"]), 1)


@dataclass(frozen=True)
class Record:
    """All rows of one project's releases and flags."""

    releases: list[ReleaseRecord]
    audit: list[Row]
    flags: list[Row]
    freezes: list[Row]
    stops: list[Row]
    in_flight: timedelta = timedelta(0)
    """The time that may lie between a sample on which a stage acts and that act, while other samples are being stored."""

    @property
    def latest(self) -> ReleaseRecord:
        """The release that was added last."""
        return self.releases[-1]


def read_record(path: str, project: str, in_flight: timedelta = timedelta(0)) -> Record:
    """Read the database file in one consistent snapshot."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN")
        audit = _rows(connection, _AUDIT, project)
        releases = [_release(connection, row, audit) for row in _rows(connection, _RELEASES, project)]
        flags, freezes, stops = (_rows(connection, query, project) for query in (_FLAGS, _FREEZES, _STOPS))
        return Record(releases, audit, flags, freezes, stops, in_flight)
    finally:
        connection.close()


def _release(connection: sqlite3.Connection, row: Row, audit: list[Row]) -> ReleaseRecord:
    definition = row.pop("definition")
    entries = [entry for entry in audit if entry["release"] == row["id"]]
    runs, changes, seen, approvals = (_rows(connection, query, row["id"]) for query in (_RUNS, _CHANGES, _SEEN, _APPROVALS))
    of_stages = [change for change in changes if change["undoes_from"] is None]
    put_back = [change for change in changes if change not in of_stages]
    watches = [watch | {"samples": _rows(connection, _SAMPLES, watch["id"])} for watch in _rows(connection, _WATCHES, row["id"])]
    guardrails, decisions = definition.get("guardrails", []), _rows(connection, _DECISIONS, row["id"])
    return ReleaseRecord(row, definition["stages"], runs, of_stages, put_back, seen, approvals, entries, guardrails, watches, decisions)


def _rows(connection: sqlite3.Connection, query: str, *parameters: str | int) -> list[Row]:
    return [{column: _decoded(column, row[column]) for column in row.keys()} for row in connection.execute(query, parameters)]  # noqa: SIM118


def _decoded(column: str, value: Any) -> Any:
    return json.loads(value) if column in _DOCUMENTS and value is not None else value
