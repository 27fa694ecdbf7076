"""The history of releases: their visits to stages and the changes made there."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from activities.store.tables import changes, releases, stage_runs
from activities.store.upsert import upsert
from domain.flags.change import Change
from domain.releases.net_change import UndoScope
from domain.releases.release import Release, StageRun
from domain.releases.status import UNFINISHED, StageOutcome

_UNFINISHED = [status.value for status in UNFINISHED]


class ReleaseHistory:
    """The visits and changes of releases, oldest first."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def enter(self, release: Release) -> None:
        """Insert the release's current visit."""
        self.connection.execute(insert(stage_runs), _visit(release))

    def move(self, before: Release, outcome: StageOutcome, after: Release, **times: Any) -> None:
        """Store the outcome of one visit, and insert the next one."""
        finished = {"outcome": outcome.value, "entered_at": None, "acts_at": None} | times
        upsert(self.connection, stage_runs, [_visit(before) | finished, _visit(after) | {"acted_at": None}])

    def note_entry(self, release: Release) -> None:
        """Store when the current visit began."""
        place = (stage_runs.c.release_id == release.id) & (stage_runs.c.visit == release.visit)
        self.connection.execute(update(stage_runs).where(place).values(entered_at=release.entered_at, acts_at=release.acts_at))

    def write_run(self, release: Release, outcome: StageOutcome, **times: Any) -> None:
        """Store the outcome of the current visit."""
        place = (stage_runs.c.release_id == release.id) & (stage_runs.c.visit == release.visit)
        self.connection.execute(update(stage_runs).where(place).values(outcome=outcome.value, **times))

    def mark_rolled_back(self, release_id: str, visits: Iterable[int]) -> None:
        """Mark these visits as rolled back."""
        place = (stage_runs.c.release_id == release_id) & stage_runs.c.visit.in_(list(visits))
        self.connection.execute(update(stage_runs).where(place).values(outcome=StageOutcome.ROLLED_BACK.value))

    def runs(self, release_id: str) -> list[StageRun]:
        """Return all visits in order."""
        query = select(stage_runs).where(stage_runs.c.release_id == release_id).order_by(stage_runs.c.visit)
        return [_read_run(row) for row in self.connection.execute(query)]

    def undoing(self, release_id: str, undoes_from: int) -> UndoScope:
        """Select which recorded changes a rollback from this stage index must undo."""
        return UndoScope(undoes_from, {run.visit: run.stage_index for run in self.runs(release_id)})

    def change(self, key: str) -> Change | None:
        """Return the change with this key, or None."""
        row = self.connection.execute(select(changes).where(changes.c.key == key)).one_or_none()
        return _read_change(row) if row else None

    def add_change(self, change: Change) -> None:
        """Insert a change."""
        values = change.model_dump(mode="json", exclude={"release", "made_at"})
        self.connection.execute(insert(changes), values | {"release_id": change.release, "made_at": change.made_at})

    def has_changed_anything(self, release_id: str, visit: int) -> bool:
        """True if a change of that visit changed any field."""
        query = select(changes).where(changes.c.release_id == release_id, changes.c.visit == visit)
        return any(_read_change(row).changed_anything for row in self.connection.execute(query))

    def restorable_for(self, project_id: str, segment: str) -> set[str]:
        """Return the environments in which a rollback could restore an override for the segment.

        Only unfinished releases, and the newest one of each feature, can be rolled back.
        """
        newer = releases.alias("newer")
        followed = exists().where(newer.c.feature_id == releases.c.feature_id, newer.c.id > releases.c.id)
        possible = (releases.c.project_id == project_id) & (releases.c.status.in_(_UNFINISHED) | ~followed)
        query = select(changes.c.environment, changes.c.before).join(releases, releases.c.id == changes.c.release_id).where(possible)
        return {row.environment for row in self.connection.execute(query) if (row.before.get("overrides") or {}).get(segment)}

    def changes(self, release_id: str) -> list[Change]:
        """Return all changes of a release in order; those of one rollback are ordered by environment."""
        query = select(changes).where(changes.c.release_id == release_id).order_by(changes.c.sequence, changes.c.environment)
        return [_read_change(row) for row in self.connection.execute(query)]


def _visit(release: Release) -> dict[str, Any]:
    place = {"release_id": release.id, "visit": release.visit, "stage_index": release.stage_index, "stage": release.stage}
    return place | {"outcome": StageOutcome.PENDING.value, "entered_at": release.entered_at, "acts_at": release.acts_at}


def _read_run(row: Row[Any]) -> StageRun:
    columns = ("visit", "stage_index", "outcome", "entered_at", "acts_at", "acted_at")
    return StageRun(**{column: getattr(row, column) for column in columns})


def _read_change(row: Row[Any]) -> Change:
    values = dict(row._mapping)
    return Change(release=values.pop("release_id"), **values)
