"""Changes of flags that are kept in another system: intend, apply, verify, record.

Nothing there takes part in our transactions, so the decision is written down before the first call. Whatever happens then, the next
attempt continues from it, and nothing that was done over there is missing on the record.
"""

from collections.abc import Callable
from typing import NamedTuple

from activities.messages import ChangeFlag
from activities.providers.catalogue import provider_of
from activities.providers.elsewhere import FlagReading, FlagsElsewhere
from activities.providers.errors import ProviderUnavailable
from activities.settling import settle, settle_other_releases, settle_others
from activities.stage_changes import DueChange, change_of, check_fence, decide, record
from activities.store.database import Database, Store
from activities.temporal_clock import AttemptClock
from domain.errors import Superseded
from domain.flags.change import Change, PlannedChange, check_not_changed_by_hand
from domain.flags.project import Project
from domain.releases.gate_hold import GateHold
from domain.releases.release import Release


class Intended(NamedTuple):
    """A change that is on its way to the other system."""

    change: Change


class ChangesElsewhere:
    """Makes the changes of stages in other systems."""

    def __init__(self, database: Database, flags: FlagsElsewhere, beat: Callable[[], None]) -> None:
        """Take a function to call between two calls to another system, to tell Temporal that the attempt is alive."""
        self.database = database
        self.flags = flags
        self.beat = beat

    def make(self, command: ChangeFlag, clock: AttemptClock) -> Change | GateHold:
        """Make a change, or return what holds it back. Raises Superseded, another Refusal, or an error after which it is tried again."""
        with self.database.reading() as store:
            project, feature = store.projects.get(command.project), store.releases.get(command.release).feature
        reading = self._read(project, feature)
        settle_other_releases(self.database, project, command.release, reading, clock.now())
        with self.database.transaction() as store:
            decided = self._decide(store, project, command, reading, clock)
        if not isinstance(decided, Intended):
            return decided
        self.flags.apply(project, decided.change)
        self.beat()
        return self._verify(project, command, decided.change, self._read(project, feature))

    def _read(self, project: Project, feature: str) -> FlagReading | None:
        reading = self.flags.read(project, feature)
        self.beat()
        return reading

    def _decide(
        self, store: Store, project: Project, command: ChangeFlag, reading: FlagReading | None, clock: AttemptClock
    ) -> Intended | Change | GateHold:
        """Write down what is to be done, or record the change if the flag is there already."""
        _lock_and_mirror(store, command, reading)
        due = decide(store, command, clock)
        if isinstance(due, GateHold):
            return due
        release = due.acting.release
        settle_others(store, project, release, {command.key}, due.at)
        planned = due.provider.plan(release.feature, command.environment, command.patch)
        intended = change_of(release, command, planned, due.at)
        if earlier := store.intents.get(command.key):
            intended = intended.continuing(earlier)
        name = store.system_names.find(project.id, "feature", release.feature)
        has_others = name is not None and bool(name.foreign.get(command.environment))
        if planned.changes_anything or has_others:  # What others made may decide otherwise: then the change is refused over there.
            store.intents.open([intended], due.at)
            return Intended(intended)
        return _record(store, due, command, intended)

    def _verify(self, project: Project, command: ChangeFlag, intended: Change, reading: FlagReading | None) -> Change:
        """Record the change if the flag is as intended."""
        with self.database.transaction() as store:
            release = _lock_and_mirror(store, command, reading)
            provider = provider_of(project, store)
            now = provider.read(release.feature, command.environment)
            is_current = not release.is_finished and release.sequence == command.sequence
            if not is_current:
                settle(store, project, release, intended, intended.made_at)
            elif not provider.plan(release.feature, command.environment, command.patch).changes_anything:
                due = DueChange(store.acting.get(command.release, command.project, intended.made_at), provider, intended.made_at)
                return _record(store, due, command, intended)
            elif not command.overwrite:
                check_not_changed_by_hand(command.patch, now, store.releases.seen(release.id, command.environment))
        if is_current:
            raise ProviderUnavailable(f"The flag is not as it should be after the change. {project.provider.label} may need a moment.")
        raise Superseded("The record of the release was changed while the change was made.")


def _lock_and_mirror(store: Store, command: ChangeFlag, reading: FlagReading | None) -> Release:
    """Lock the project, the release and the feature, in this order, and store the flags that were read."""
    project = store.projects.get(command.project, lock="share")
    release = store.releases.get(command.release, lock=True)
    if reading:
        reading.mirror(store, project)
    return release


def _record(store: Store, due: DueChange, command: ChangeFlag, intended: Change) -> Change:
    """Record a change that is found to be made, and move the release on."""
    release, seen = due.acting.release, due.acting.seen
    check_fence(release, command)
    change = intended.model_copy(update={"sequence": release.sequence + 1})
    now = due.provider.read(release.feature, command.environment)
    if (after := PlannedChange(now, change.before, change.after).overlaid(seen)) != seen:
        store.releases.write_seen(release.id, command.environment, after)
    store.intents.close(change.key)
    record(store, release, command, change)
    return change
