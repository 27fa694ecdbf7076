"""Rollbacks of flags that are kept in another system: intend, apply, verify, record, as changes of stages do."""

from collections.abc import Callable, Mapping
from datetime import datetime

from activities.messages import PutBack
from activities.providers.catalogue import provider_of
from activities.providers.elsewhere import FlagReading, FlagsElsewhere
from activities.providers.errors import ProviderUnavailable
from activities.providers.provider import FlagProvider
from activities.rollback_attempt import RollbackAttempt
from activities.settling import settle_other_releases, settle_others
from activities.store.database import Database, Store
from domain.flags.change import Change, PlannedChange, as_before, plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.project import Project
from domain.releases.rollback import rollback_key


class RollbacksElsewhere:
    """Carries out rollbacks in other systems."""

    def __init__(self, database: Database, flags: FlagsElsewhere, beat: Callable[[], None]) -> None:
        """Take a function to call between two calls to another system, to tell Temporal that the attempt is alive."""
        self.database = database
        self.flags = flags
        self.beat = beat

    def undo(self, command: PutBack, at: datetime) -> int:
        """Undo the changes and return how many fields were left alone. Raises as `ChangesElsewhere.make` does."""
        with self.database.reading() as store:
            project, feature = store.projects.get(command.project), store.releases.get(command.release).feature
        reading = self._read(project, feature)
        settle_other_releases(self.database, project, command.release, reading, at)
        with self.database.transaction() as store:
            intended = self._decide(store, command, reading, at)
            if not intended:
                attempt = RollbackAttempt(store, command, at)
                return attempt.run(_AsBefore(provider_of(project, store), {}))
        for change in intended:
            self.flags.apply(project, change)
            self.beat()
        return self._verify(project, command, intended, self._read(project, feature), at)

    def _read(self, project: Project, feature: str) -> FlagReading | None:
        reading = self.flags.read(project, feature)
        self.beat()
        return reading

    def _decide(self, store: Store, command: PutBack, reading: FlagReading | None, at: datetime) -> list[Change]:
        """Write down what is to be done. A further attempt plans from the flags as they were before the first one."""
        attempt = _begin(store, command, reading, at)
        provider = provider_of(attempt.project, store)
        keys = {rollback_key(command.release, command.n, environment) for environment in provider.environments()}
        opened = {each.environment: each for each in store.intents.of_release(command.release) if each.key in keys}
        settle_others(store, attempt.project, attempt.release, keys, at)
        intended = attempt.intended(_AsBefore(provider, opened))
        settle_others(store, attempt.project, attempt.release, {each.key for each in intended}, at)
        store.intents.open(intended, at)
        return intended

    def _verify(self, project: Project, command: PutBack, intended: list[Change], reading: FlagReading | None, at: datetime) -> int:
        """Record the rollback if every flag is as intended. One that someone changed meanwhile is planned anew."""
        with self.database.transaction() as store:
            attempt = _begin(store, command, reading, at)
            provider = provider_of(project, store)
            different = [each for each in intended if each.after.seen_in(provider.read(each.feature, each.environment)) != each.after]
            for each in different or intended:
                store.intents.close(each.key)
            if not different:
                return attempt.run(_AsBefore(provider, {each.environment: each for each in intended}))
        raise ProviderUnavailable(f"The flag is not as it should be after the rollback. {project.provider.label} may need a moment.")


def _begin(store: Store, command: PutBack, reading: FlagReading | None, at: datetime) -> RollbackAttempt:
    """Begin an attempt, which locks the project and the release, and store the flags that were read."""
    attempt = RollbackAttempt(store, command, at)
    if reading:
        reading.mirror(store, attempt.project)
    return attempt


class _AsBefore:
    """Flags as they were before a rollback began, except for what others changed since. A change is only planned: it was made elsewhere."""

    def __init__(self, provider: FlagProvider, intended: Mapping[str, Change]) -> None:
        self._provider, self._intended = provider, intended

    def segments(self) -> frozenset[str]:
        """Return the segments for which flags can be overridden."""
        return self._provider.segments()

    def read(self, feature: str, environment: str) -> FlagState:
        """Return the flag's state before the rollback."""
        now = self._provider.read(feature, environment)
        intended = self._intended.get(environment)
        return as_before(intended, now) if intended else now

    def plan(self, feature: str, environment: str, patch: FlagPatch) -> PlannedChange:
        """Return what the change is."""
        return plan_change(patch, self.read(feature, environment))

    def patch(self, feature: str, environment: str, patch: FlagPatch, _at: datetime) -> PlannedChange:
        """Return what was changed."""
        return self.plan(feature, environment, patch)
