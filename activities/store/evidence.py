"""The evidence of guardrails and sampling gates: their state in each visit, and every sample."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, select, tuple_

from activities.store.tables import projects, releases
from activities.store.upsert import insert_into
from activities.store.watching_tables import samples, watches
from domain.metrics.condition import Outcome
from domain.releases.gate_hold import GateHold
from domain.releases.observed import Observed
from domain.releases.status import ReleaseStatus

OUTCOMES = tuple(Outcome)


class WatchKey(NamedTuple):
    """A guardrail or gate in one visit of a release."""

    release: str
    visit: int
    key: str


class StoredSample(NamedTuple):
    """One sample as it is kept."""

    at: datetime
    value: float | None
    outcome: Outcome


class Whereabouts(NamedTuple):
    """The part of a release's record that decides if it is still watched."""

    visit: int
    status: ReleaseStatus
    held: GateHold | None


class EvidenceRepository:
    """States and samples of guardrails and gates."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def observed(self, release_id: str, visit: int) -> Mapping[str, Observed]:
        """Return key -> state in one visit of a release."""
        of_visit = and_(watches.c.release_id == release_id, watches.c.visit == visit)
        rows = self.connection.execute(select(watches.c.key, watches.c.observed).where(of_visit)).all()
        return {row.key: Observed.model_validate(row.observed) for row in rows}

    def lock(self, keys: Iterable[WatchKey]) -> Mapping[WatchKey, Observed]:
        """Return the states of these watches, and keep other writers from changing them until the transaction ends."""
        wanted = tuple_(watches.c.release_id, watches.c.visit, watches.c.key).in_([tuple(each) for each in keys])
        rows = self.connection.execute(select(watches).where(wanted).order_by(watches.c.id).with_for_update()).all()
        return {WatchKey(row.release_id, row.visit, row.key): Observed.model_validate(row.observed) for row in rows}

    def write(self, states: Mapping[WatchKey, Observed]) -> None:
        """Store the states of watches."""
        rows = [
            {"release_id": key.release, "visit": key.visit, "key": key.key, "observed": each.model_dump(mode="json"), "sampled_at": each.at}
            for key, each in sorted(states.items())
        ]
        statement = insert_into(self.connection, watches)
        changed = {name: statement.excluded[name] for name in ("observed", "sampled_at")}
        key_columns = [watches.c.release_id, watches.c.visit, watches.c.key]
        if rows:
            self.connection.execute(statement.on_conflict_do_update(index_elements=key_columns, set_=changed), rows)

    def add_samples(self, found: Mapping[WatchKey, Sequence[StoredSample]]) -> None:
        """Store samples. One that is stored already stays as it is."""
        wanted = tuple_(watches.c.release_id, watches.c.visit, watches.c.key).in_([tuple(each) for each in found])
        ids = {
            WatchKey(row.release_id, row.visit, row.key): row.id
            for row in self.connection.execute(select(watches.c.id, watches.c.release_id, watches.c.visit, watches.c.key).where(wanted))
        }
        rows = [
            {"watch_id": ids[key], "at": milliseconds(each.at), "value": each.value, "outcome": OUTCOMES.index(each.outcome)}
            for key, each_found in found.items()
            for each in each_found
        ]
        if rows:
            self.connection.execute(insert_into(self.connection, samples).on_conflict_do_nothing(), rows)

    def whereabouts(self, release_ids: Iterable[str]) -> Mapping[str, Whereabouts]:
        """Return release -> its visit, its status, and what holds it back."""
        columns = (releases.c.id, releases.c.visit, releases.c.status, releases.c.held)
        rows = self.connection.execute(select(*columns).where(releases.c.id.in_(list(release_ids)))).all()
        return {
            row.id: Whereabouts(row.visit, ReleaseStatus(row.status), GateHold.model_validate(row.held) if row.held else None)
            for row in rows
        }

    def projects_since(self, at: datetime) -> Mapping[str, datetime]:
        """Return project -> the time of its newest sample, for projects with a sample since then."""
        newest = (
            select(projects.c.key, func.max(watches.c.sampled_at).label("at"))
            .join(releases, releases.c.id == watches.c.release_id)
            .join(projects, projects.c.id == releases.c.project_id)
            .where(watches.c.sampled_at >= at)
            .group_by(projects.c.key)
        )
        return {row.key: row.at for row in self.connection.execute(newest)}

    def curves(self, release_id: str, most: int) -> Mapping[tuple[int, str], tuple[Observed, list[StoredSample]]]:
        """Return (visit, key) -> the state and the newest samples, oldest first, at most that many for each."""
        found = self.connection.execute(
            select(watches).where(watches.c.release_id == release_id).order_by(watches.c.visit, watches.c.id)
        ).all()
        newest = select(samples).where(samples.c.watch_id == bindparam("watch")).order_by(samples.c.at.desc()).limit(most)
        return {
            (row.visit, row.key): (
                Observed.model_validate(row.observed),
                [
                    StoredSample(from_milliseconds(each.at), each.value, OUTCOMES[each.outcome])
                    for each in reversed(self.connection.execute(newest, {"watch": row.id}).all())
                ],
            )
            for row in found
        }

    def thin(self, since: datetime, before: datetime, keep_every: timedelta) -> int:
        """Delete passing samples between two times, except the first in each period. Returns how many were deleted.

        Failed and unknown ones are kept as evidence. Samples before `since` were thinned earlier.
        """
        period = int(keep_every.total_seconds() * 1000)
        passed, old = OUTCOMES.index(Outcome.PASS), milliseconds(before)
        recent = select(watches.c.id).where(watches.c.sampled_at >= since)
        earlier = samples.alias("earlier")
        bucket = samples.c.at - samples.c.at % period
        has_earlier = (
            select(earlier.c.at)
            .where(earlier.c.watch_id == samples.c.watch_id, earlier.c.at < samples.c.at, earlier.c.at >= bucket)
            .exists()
        )
        in_time = (samples.c.watch_id.in_(recent), samples.c.at >= milliseconds(since), samples.c.at < old)
        thinned = delete(samples).where(*in_time, samples.c.outcome == passed, has_earlier)
        return self.connection.execute(thinned).rowcount


def milliseconds(at: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def from_milliseconds(at: int) -> datetime:
    """Return the time that is that many milliseconds after 1970."""
    return datetime.fromtimestamp(at / 1000, UTC)
