"""Deciding what a rollback puts back, by what the record and the flag say at this moment."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from activities.store.database import Store
from domain.errors import EnvironmentNotFound
from domain.flags.change import Change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.releases.net_change import NetChange, UndoScope, net_changes
from domain.releases.release import Release
from domain.releases.revert import RevertContext, left_without_environment, plan_revert
from domain.releases.rollback import LeftAlone


class EnvironmentRevert(NamedTuple):
    """What is put back in one environment and what is left alone, with the flag as it is and as the release last saw it."""

    environment: str
    now: FlagState
    seen: FlagState
    patch: FlagPatch
    left_alone: tuple[LeftAlone, ...]


class RollbackPlanner:
    """What a release has changed, and who knows the flag as it is: `read` takes an environment and raises NotFound."""

    def __init__(self, store: Store, release: Release, read: Callable[[str], FlagState]) -> None:
        self.store = store
        self.release = release
        self.read = read
        self.changes: Sequence[Change] = store.history.changes(release.id)
        self.segments = frozenset(segment.key for segment in store.segments.all(store.projects.get(release.project).id))

    def undone(self, undoing: UndoScope, *, force: bool) -> list[EnvironmentRevert]:
        """What is to be undone, environment by environment."""
        seen = {each: self.store.releases.seen(self.release.id, each) for each in sorted({change.environment for change in self.changes})}
        nets = net_changes(self.changes, undoing, seen)
        return [self._in(environment, net, seen[environment], force=force) for environment, net in nets.items()]

    def _in(self, environment: str, net: NetChange, seen: FlagState, *, force: bool) -> EnvironmentRevert:
        try:
            now = self.read(environment)
        except EnvironmentNotFound:
            return EnvironmentRevert(environment, seen, seen, FlagPatch(), left_without_environment(net, environment))
        here = RevertContext(environment=environment, now=now, seen=seen, segments=self.segments, force=force)
        return EnvironmentRevert(environment, now, seen, *plan_revert(net, here))
