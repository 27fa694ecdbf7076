"""Flags that are kept in another system: read into the copy in our store, and changed over there. No call runs in a transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from activities.providers.errors import ProviderError, ProviderRejected, ProviderThrottled, ProviderUnauthorized
from activities.providers.flag_system import Origin, SystemFlag
from activities.providers.mirror import mirror_features, mirror_flags, mirror_segments, references
from activities.providers.sealing import CredentialUnreadable
from activities.providers.systems import ConnectedSystem, FlagSystems
from activities.store.connections import StoredConnection
from activities.store.database import Database, Store
from activities.store.system_names import SystemName
from domain.errors import FeatureNotFound, ProviderRefused
from domain.flags.change import Change
from domain.flags.connection import Outage
from domain.flags.project import Project
from domain.flags.variant import Variants

LIST_TTL = timedelta(seconds=10)
"""The age until which a list of features and segments counts as current."""

log = structlog.get_logger()


class FlagReading(NamedTuple):
    """A feature's flags, as they were read from another system until that time. `found` is by our environments.

    `since` is the number of readings that were stored when this one began.
    """

    feature: str
    at: datetime
    since: int
    found: Mapping[str, SystemFlag]

    def mirror(self, store: Store, project: Project) -> None:
        """Store the flags for a decision, which must not be about an earlier reading.

        The caller holds the locks that come before the feature's: those on the project and the release.
        """
        mirror_flags(store, project, self.feature, self.found, self.at)


class _Known(NamedTuple):
    """A connection, the name of a feature over there if it is known, segment key -> reference, and the feature's variants."""

    stored: StoredConnection
    name: SystemName | None
    segments: dict[str, str]
    variants: Variants


class FlagsElsewhere:
    """Reads and changes flags of projects whose flags are kept in another system.

    Every method raises ProviderRefused if a person must act, and another ProviderError if it may succeed later.
    """

    def __init__(self, database: Database, systems: FlagSystems) -> None:
        self.database = database
        self.systems = systems

    def refresh_lists(self, project: Project, *, ttl: timedelta = LIST_TTL) -> None:
        """Read the features and segments, unless they were read within that time. A project whose flags are kept here has none."""
        if project.keeps_flags:
            return
        stored = self._stored(project)
        if _is_current(stored.listed_at, ttl):
            return
        with self._reported(project, stored):
            system = self._system(project, stored)
            features, segments = system.features(), system.segments()
        with self.database.transaction() as store:
            store.projects.get(project.key, lock="update")
            if _connected(project, store.connections.find(project.id)).listings != stored.listings:
                return  # Another list was stored meanwhile. It may be later, so what only that one has must not be deleted.
            at = datetime.now(UTC)
            mirror_features(store, project, features, at)
            mirror_segments(store, project, segments, at)
            store.connections.note_listed(project.id, at)

    def refresh(self, project: Project, feature: str, *, ttl: timedelta = timedelta(0)) -> None:
        """Read a feature in every environment, and the lists if need be, unless it was read within that time. Raises FeatureNotFound."""
        if not project.keeps_flags and (reading := self.read(project, feature, ttl=ttl)):
            with self.database.transaction() as store:
                mirror_flags(store, project, feature, reading.found, reading.at, since=reading.since)

    def read(self, project: Project, feature: str, *, ttl: timedelta = timedelta(0)) -> FlagReading | None:
        """Read the same, for the caller to mirror in its own transaction. Returns None for a feature that is unknown, or current."""
        self.refresh_lists(project)
        known = self._known(project, feature)
        if known.name is None:
            self.refresh_lists(project, ttl=timedelta(0))  # It may have been created since.
            known = self._known(project, feature)
        if known.name is None or _is_current(known.name.read_at, ttl):
            return None  # Of an unknown feature, the caller finds that it does not exist, and says so in its own words.
        with self._reported(project, known.stored):
            found = self._system(project, known.stored).flags(known.name.name, known.segments, known.variants)
        return FlagReading(feature, datetime.now(UTC), known.name.readings, found)

    def apply(self, project: Project, change: Change) -> None:
        """Make an intended change over there. Doing this twice is the same as doing it once."""
        known = self._known(project, change.feature)
        if known.name is None:
            raise FeatureNotFound(f"There is no feature '{change.feature}'.")
        origin = Origin(project.key, change.feature, change.stage, change.release, is_rollback=change.undoes_from is not None)
        with self._reported(project, known.stored):
            system = self._system(project, known.stored)
            system.apply(known.name.name, change.environment, change.patch, known.segments, origin, known.variants)

    def _known(self, project: Project, feature: str) -> _Known:
        with self.database.reading() as store:
            name, stored = store.system_names.find(project.id, "feature", feature), store.connections.find(project.id)
            variants = store.features.get(feature, project.id).variants if name else ()
            return _Known(_connected(project, stored), name, references(store, project, "segment"), variants)

    def _stored(self, project: Project) -> StoredConnection:
        with self.database.reading() as store:
            return _connected(project, store.connections.find(project.id))

    def _system(self, project: Project, stored: StoredConnection) -> ConnectedSystem:
        try:
            return self.systems.of(project.id, stored)
        except CredentialUnreadable as unreadable:
            raise ProviderRefused(str(unreadable)) from unreadable

    @contextmanager
    def _reported(self, project: Project, stored: StoredConnection) -> Iterator[None]:
        """Note on the connection that calls fail, or succeed again. Turn what a person must repair into a refusal."""
        label, outage = project.provider.label, stored.outage
        try:
            yield
        except (ProviderUnauthorized, ProviderRejected) as error:
            raise ProviderRefused(f"{label} refuses: {error}", missing=list(getattr(error, "missing", ()))) from error
        except ProviderThrottled as error:
            log.warning("provider_throttled", project=project.key, provider=project.provider, error=str(error))
            self._note_failure(project, outage, Outage(code="provider_throttled", message=f"{label}: {error}", since=datetime.now(UTC)))
            raise
        except ProviderError as error:
            log.warning("provider_unavailable", project=project.key, provider=project.provider, error=str(error))
            self._note_failure(project, outage, Outage(code="provider_unavailable", message=f"{label}: {error}", since=datetime.now(UTC)))
            raise
        if outage:
            self._note(project, None)

    def _note_failure(self, project: Project, before: Outage | None, outage: Outage) -> None:
        """Note an outage, unless it was noted before. One that changes its code began when the first did."""
        if before is None or before.code != outage.code:
            self._note(project, outage.model_copy(update={"since": before.since}) if before else outage)

    def _note(self, project: Project, outage: Outage | None) -> None:
        with self.database.transaction() as store:
            store.connections.note_outage(project.id, outage)


def _is_current(at: datetime | None, ttl: timedelta) -> bool:
    """True if that time is within the last `ttl`. A time ahead is that of another clock, and says nothing."""
    return at is not None and timedelta(0) <= datetime.now(UTC) - at < ttl


def _connected(project: Project, stored: StoredConnection | None) -> StoredConnection:
    if stored is None:
        raise ProviderRefused(f"The project '{project.key}' has no connection to {project.provider.label}. An admin must connect it.")
    return stored
