"""The plan of a rollback, from the release's record and the flag's present state."""

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
    """The patch for one environment and the fields left alone, with the flag's state now and as the release last saw it."""

    environment: str
    now: FlagState
    seen: FlagState
    patch: FlagPatch
    left_alone: tuple[LeftAlone, ...]


class RollbackPlanner:
    """Plans rollbacks of one release. `read` returns the flag's state in an environment, or raises EnvironmentNotFound."""

    def __init__(self, store: Store, release: Release, segments: frozenset[str], read: Callable[[str], FlagState]) -> None:
        self.store = store
        self.release = release
        self.segments = segments
        self.read = read
        feature = store.features.find(release.feature, store.projects.get(release.project).id)
        self.variants = frozenset(each.key for each in feature.variants) if feature else frozenset[str]()
        self.changes: Sequence[Change] = store.history.changes(release.id)

    def plan(self, scope: UndoScope, *, force: bool) -> list[EnvironmentRevert]:
        """Return the reverts of all environments in which the release changed anything within the scope."""
        seen = {each: self.store.releases.seen(self.release.id, each) for each in sorted({change.environment for change in self.changes})}
        nets = net_changes(self.changes, scope, seen)
        return [self._revert(environment, net, seen[environment], force=force) for environment, net in nets.items()]

    def _revert(self, environment: str, net: NetChange, seen: FlagState, *, force: bool) -> EnvironmentRevert:
        try:
            now = self.read(environment)
        except EnvironmentNotFound:
            return EnvironmentRevert(environment, seen, seen, FlagPatch(), left_without_environment(net, environment))
        known = {"segments": self.segments, "variants": self.variants}
        context = RevertContext(environment=environment, now=now, seen=seen, force=force, **known)
        return EnvironmentRevert(environment, now, seen, *plan_revert(net, context))
