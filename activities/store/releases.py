"""The record of releases. Every write to one is a compare-and-set on its sequence."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.paging import Page, Slice, fetch_page
from activities.store.provider_tables import connections
from activities.store.tables import features, outbox, owners, pipelines, projects, releases, seen
from domain.errors import AlreadyReleasing, ReleaseNotFound, Superseded
from domain.flags.flag import FlagState
from domain.releases.release import PipelineRef, Release
from domain.releases.status import UNFINISHED, ReleaseStatus
from domain.system import Lateness

_UNFINISHED = [status.value for status in UNFINISHED]
_WRITTEN = ("stage_index", "stage", "environment", "visit", "step", "sequence", "write_key", "entered_at", "acts_at", "ended_at")

_PENDING = select(outbox.c.id).where(outbox.c.release_id == releases.c.id)
_SYNCED = (releases.c.status.in_(_UNFINISHED), releases.c.status != ReleaseStatus.STARTING.value, ~_PENDING.exists())
"""The release is unfinished, has started, and has no pending outbox entry."""

adders = owners.alias("adders")
responsibles = owners.alias("responsibles")

RELEASES = (
    select(
        releases,
        projects.c.key.label("project_key"),
        features.c.key.label("feature_key"),
        pipelines.c.key.label("pipeline_key"),
        pipelines.c.version.label("pipeline_version"),
        pipelines.c.definition["name"].as_string().label("pipeline_name"),
        adders.c.name.label("adder"),
        responsibles.c.name.label("responsible_name"),
        projects.c.provider,
        connections.c.outage,
    )
    .join(projects, projects.c.id == releases.c.project_id)
    .join(features, features.c.id == releases.c.feature_id)
    .join(pipelines, pipelines.c.id == releases.c.pipeline_id)
    .join(adders, adders.c.id == releases.c.added_by)
    .join(responsibles, responsibles.c.id == releases.c.responsible)
    .outerjoin(connections, connections.c.project_id == releases.c.project_id)
)

_STANDS = and_(releases.c.id == bindparam("release"), releases.c.sequence == bindparam("before"), releases.c.status.in_(_UNFINISHED))
_SEEN = and_(seen.c.release_id == bindparam("release"), seen.c.environment == bindparam("where"))
_WRITE = update(releases).where(_STANDS)
_BY_ID = RELEASES.where(releases.c.id == bindparam("release"))


class ReleaseRepository:
    """Releases, newest first."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, release: Release, project_id: str, feature_id: str, states: Mapping[str, FlagState]) -> None:
        """Insert a release and the snapshot of its flag. Raises AlreadyReleasing."""
        values = {
            "id": release.id,
            "project_id": project_id,
            "feature_id": feature_id,
            "pipeline_id": release.pipeline.id,
            "added_by": release.responsible_id,
            "added_at": release.added_at,
            "starting_stage": release.starting_stage,
            "on_conflict": release.on_conflict,
            "parameters": release.parameters,
            "hides_names": release.hides_names,
        }
        try:
            self.connection.execute(insert(releases).values(**values, **_written(release)))
        except IntegrityError as error:
            raise _taken(release) from error
        for environment, state in states.items():
            self.connection.execute(
                insert(seen).values(release_id=release.id, environment=environment, state=state.model_dump(mode="json"))
            )

    def get(self, release_id: str, project_id: str | None = None, *, lock: bool = False) -> Release:
        """Return one release, optionally locking its row. Raises ReleaseNotFound."""
        if (
            lock and self.connection.dialect.name != "sqlite"
        ):  # Lock in a separate statement: rows joined to a locked one may be stale after the wait.
            self.connection.execute(select(releases.c.id).where(releases.c.id == release_id).with_for_update())
        query = _BY_ID if project_id is None else _BY_ID.where(releases.c.project_id == project_id)
        row = self.connection.execute(query, {"release": release_id}).one_or_none()
        if row is None:
            raise ReleaseNotFound(f"There is no release '{release_id}'.")
        return read_release(row)

    def unfinished_of(self, feature_ids: Iterable[str]) -> Mapping[str, Release]:
        """Return feature id -> its unfinished release."""
        query = RELEASES.where(releases.c.feature_id.in_(list(feature_ids)), releases.c.status.in_(_UNFINISHED))
        return {row.feature_id: read_release(row) for row in self.connection.execute(query)}

    def unfinished_in(self, project_id: str) -> list[Release]:
        """Return all unfinished releases of the project."""
        query = RELEASES.where(releases.c.project_id == project_id, releases.c.status.in_(_UNFINISHED))
        return [read_release(row) for row in self.connection.execute(query.order_by(releases.c.id))]

    def page(
        self, project_id: str, wanted: Slice, equal: Mapping[str, str], since: datetime | None, until: datetime | None
    ) -> Page[Release]:
        """Return releases added between those times, newest first. `equal` maps filters to values."""
        query = RELEASES.where(releases.c.project_id == project_id, *(_filter(name, value) for name, value in equal.items()))
        if since:
            query = query.where(releases.c.added_at >= since)
        if until:
            query = query.where(releases.c.added_at < until)
        return fetch_page(self.connection, query, releases.c.id, wanted, read_release, newest_first=True)

    def in_stages(self, pipeline_id: str, most: int) -> tuple[Mapping[int, int], list[Release]]:
        """Return stage index -> the number of unfinished releases on one pipeline version and up to `most` of them."""
        standing = and_(releases.c.pipeline_id == pipeline_id, releases.c.status.in_(_UNFINISHED))
        counted = select(releases.c.stage_index, func.count().label("number")).where(standing).group_by(releases.c.stage_index)
        numbers = {row.stage_index: row.number for row in self.connection.execute(counted)}
        first_in = (releases.c.entered_at, releases.c.id)
        rank = func.row_number().over(partition_by=releases.c.stage_index, order_by=first_in).label("rank")
        ranked = select(releases.c.id, rank).where(standing).subquery()
        first = RELEASES.where(releases.c.id.in_(select(ranked.c.id).where(ranked.c.rank <= most))).order_by(*first_in)
        return numbers, [read_release(row) for row in self.connection.execute(first)] if numbers else []

    def completed_on(self, pipeline_id: str, since: datetime, most: int) -> tuple[int, list[Release]]:
        """Return how many releases have completed one pipeline version since then, and up to `most` of them, latest first."""
        completed = and_(
            releases.c.pipeline_id == pipeline_id, releases.c.status == ReleaseStatus.COMPLETED.value, releases.c.ended_at >= since
        )
        number = self.connection.execute(select(func.count()).select_from(releases).where(completed)).scalar_one()
        latest = RELEASES.where(completed).order_by(releases.c.ended_at.desc(), releases.c.id.desc()).limit(most)
        return number, [read_release(row) for row in self.connection.execute(latest)] if number else []

    def unfinished_after(self, release_id: str, most: int) -> list[Release]:
        """Return unfinished releases of all projects without pending outbox entries, following the given id."""
        query = RELEASES.where(releases.c.id > release_id, *_SYNCED).order_by(releases.c.id).limit(most)
        return [read_release(row) for row in self.connection.execute(query)]

    def overdue(self, due_before: datetime, most: int) -> list[Release]:
        """Return unfinished releases without pending outbox entries that were due before that time, latest first."""
        query = RELEASES.where(releases.c.acts_at < due_before, *_SYNCED)
        return [read_release(row) for row in self.connection.execute(query.order_by(releases.c.acts_at).limit(most))]

    def count_by_status(self) -> Mapping[str, int]:
        """Return status -> number of releases in all projects; an index alone answers this."""
        counted = select(releases.c.status, func.count().label("number")).group_by(releases.c.status)
        return {row.status: row.number for row in self.connection.execute(counted)}

    def lateness(self, now: datetime, patience: timedelta) -> Lateness:
        """Return the lateness of all releases that should proceed by themselves. A starting release was due when it was added."""
        due = case((releases.c.status == ReleaseStatus.STARTING.value, releases.c.added_at), else_=releases.c.acts_at)
        overdue = func.count().filter(due < now - patience).label("overdue")
        late = select(func.min(due).label("due"), overdue).where(releases.c.status.in_(_UNFINISHED), due < now)
        row = self.connection.execute(late).one()
        return Lateness(overdue=row.overdue, worst=now - row.due if row.due else timedelta())

    def write(self, release: Release) -> None:
        """Store the next state if the release is unfinished and has the preceding sequence. Raises Superseded."""
        place = {"release": release.id, "before": release.sequence - 1}
        if self.connection.execute(_WRITE, _written(release) | place).rowcount == 0:
            raise Superseded("The release's record has been changed by another writer.")

    def write_reopened(self, release: Release) -> None:
        """Reopen a finished release for a rollback, taking the feature's only slot. Raises Superseded or AlreadyReleasing."""
        stands = and_(releases.c.id == release.id, releases.c.sequence == release.sequence - 1, releases.c.status.not_in(_UNFINISHED))
        try:
            reopened = self.connection.execute(update(releases).where(stands).values(**_written(release))).rowcount > 0
        except IntegrityError as error:
            raise _taken(release) from error
        if not reopened:
            raise Superseded("The release's record has been changed by another writer.")

    def newest_of(self, feature_id: str) -> str | None:
        """Return the id of the feature's newest release."""
        newest = select(releases.c.id).where(releases.c.feature_id == feature_id).order_by(releases.c.id.desc()).limit(1)
        return self.connection.execute(newest).scalar_one_or_none()

    def followed(self, release_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the releases that have a newer one on the same feature."""
        newer = releases.alias("newer")
        follows = exists().where(newer.c.feature_id == releases.c.feature_id, newer.c.id > releases.c.id)
        found = select(releases.c.id).where(releases.c.id.in_(list(release_ids)), follows)
        return frozenset(self.connection.execute(found).scalars())

    def write_started(self, release: Release) -> bool:
        """Record that the workflow has started, unless the workflow itself has already written to the record. Keeps `held`."""
        waits = and_(
            releases.c.id == release.id, releases.c.status == ReleaseStatus.STARTING.value, releases.c.sequence == release.sequence
        )
        acts_at = case((releases.c.held.is_(None), literal(release.acts_at, releases.c.acts_at.type)), else_=releases.c.acts_at)
        started = {"status": release.status.value, "entered_at": release.entered_at, "acts_at": acts_at}
        return self.connection.execute(update(releases).where(waits).values(**started)).rowcount > 0

    def write_held(self, release: Release) -> bool:
        """Record what holds the stage back, unless the record has changed. The sequence stays, because nothing is decided."""
        stands = and_(releases.c.id == release.id, releases.c.sequence == release.sequence, releases.c.status.in_(_UNFINISHED))
        return self.connection.execute(update(releases).where(stands).values(**_written(release))).rowcount > 0

    def held_in(self, project_id: str) -> list[str]:
        """Return the project's releases whose due stage is held back."""
        held = (releases.c.project_id == project_id, releases.c.status.in_(_UNFINISHED), releases.c.held.is_not(None))
        return list(self.connection.execute(select(releases.c.id).where(*held).order_by(releases.c.id)).scalars())

    def seen(self, release_id: str, environment: str) -> FlagState:
        """Return the flag state that the release last saw in an environment."""
        place = {"release": release_id, "where": environment}
        return FlagState.model_validate(self.connection.execute(select(seen.c.state).where(_SEEN), place).scalar_one())

    def write_seen(self, release_id: str, environment: str, state: FlagState) -> None:
        """Store the flag state that the release has now seen in an environment."""
        place = {"release": release_id, "where": environment}
        self.connection.execute(update(seen).where(_SEEN), place | {"state": state.model_dump(mode="json")})


def _written(release: Release) -> dict[str, Any]:
    values = {column: getattr(release, column) for column in _WRITTEN}
    why = {"blocked": release.blocked, "paused": release.paused, "rollback": release.rollback, "held": release.held}
    standing = {column: reason.model_dump(mode="json") if reason else None for column, reason in why.items()}
    return values | {"status": release.status.value, "responsible": release.responsible_id} | standing


def _taken(release: Release) -> AlreadyReleasing:
    return AlreadyReleasing(f"'{release.feature}' is in another release already.")


def _filter(name: str, value: str) -> Any:
    if name == "pipeline":
        return or_(pipelines.c.key == value, pipelines.c.id == value)
    columns = {"feature": features.c.key, "added_by": adders.c.name}
    return columns.get(name, releases.c.get(name)) == value


def read_release(row: Row[Any]) -> Release:
    """Convert a row of `RELEASES`."""
    pipeline = PipelineRef(id=row.pipeline_id, key=row.pipeline_key, version=row.pipeline_version, name=row.pipeline_name)
    values = {column: getattr(row, column) for column in _WRITTEN}
    return Release(
        id=row.id,
        project=row.project_key,
        feature=row.feature_key,
        pipeline=pipeline,
        status=row.status,
        starting_stage=row.starting_stage,
        on_conflict=row.on_conflict,
        parameters=row.parameters,
        added_at=row.added_at,
        added_by=row.adder,
        added_by_id=row.added_by,
        responsible=row.responsible_name,
        responsible_id=row.responsible,
        blocked=row.blocked,
        paused=row.paused,
        rollback=row.rollback,
        held=row.held,
        provider=row.provider,
        hides_names=row.hides_names,
        outage=row.outage,
        **values,
    )
