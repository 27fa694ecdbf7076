"""One attempt at a rollback, within its transaction."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from activities.messages import PutBack
from activities.record.rollback_plan import EnvironmentRevert, RollbackPlanner
from activities.record.transitions import audit, enter, expect_watch
from activities.store.database import Store
from domain.access import check_right
from domain.audit import AuditEvent, by_release
from domain.errors import Superseded
from domain.flags.change import Change, PlannedChange
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.releases.net_change import UndoScope
from domain.releases.release import Release
from domain.releases.rollback import LeftAlone, Rollback, rollback_key
from domain.releases.status import ReleaseStatus, StageOutcome


def check_fence(release: Release, command: PutBack) -> Rollback:
    """Return the rollback to carry out. Raises Superseded if the record was changed since the workflow last knew it."""
    if release.status is not ReleaseStatus.ROLLING_BACK or release.sequence != command.sequence or release.rollback is None:
        raise Superseded("The record of the release was changed by another writer.")
    return release.rollback


class FlagsToRevert(Protocol):
    """The part of a provider that a rollback needs."""

    def segments(self) -> frozenset[str]: ...  # noqa: D102
    def read(self, feature: str, environment: str) -> FlagState: ...  # noqa: D102
    def plan(self, feature: str, environment: str, patch: FlagPatch) -> PlannedChange: ...  # noqa: D102
    def patch(self, feature: str, environment: str, patch: FlagPatch, at: datetime, /) -> PlannedChange: ...  # noqa: D102


class RollbackAttempt:
    """One attempt. Locks are acquired in the usual order: project, release, feature."""

    def __init__(self, store: Store, command: PutBack, at: datetime) -> None:
        self.store = store
        self.command = command
        self.at = at
        self.project = store.projects.get(command.project, lock="share")
        self.release = store.releases.get(command.release, self.project.id, lock=True)
        self.rollback = check_fence(self.release, command)
        self.scope = store.history.undoing(self.release.id, self.rollback.undoes_from)

    def run(self, provider: FlagsToRevert) -> int:
        """Undo the changes in each environment, write the release's new state, and return how many fields were left alone."""
        planner = self._planner(provider)
        reverts = planner.plan(self.scope, force=self.rollback.force)
        for revert in reverts:
            if revert.patch.named:
                self._check_right(revert.environment)
                self._record(revert, provider.patch(self.release.feature, revert.environment, revert.patch, self.at))
        left_alone = tuple(left for revert in reverts for left in revert.left_alone)
        self._finish(planner.changes, self.scope, left_alone)
        return len(left_alone)

    def intended(self, provider: FlagsToRevert) -> list[Change]:
        """Return the changes that `run` would make, and write nothing."""
        changes = []
        for revert in self._planner(provider).plan(self.scope, force=self.rollback.force):
            if revert.patch.named:
                self._check_right(revert.environment)
                planned = provider.plan(self.release.feature, revert.environment, revert.patch)
                changes.append(self._change(revert.environment, revert.patch, planned))
        return changes

    def _planner(self, provider: FlagsToRevert) -> RollbackPlanner:
        return RollbackPlanner(self.store, self.release, provider.segments(), partial(provider.read, self.release.feature))

    def _check_right(self, environment: str) -> None:
        """Check the rights that the person who asked has now. A guardrail asks by the published pipeline."""
        if self.rollback.guardrail:
            return
        owner, access = self.store.keys.owner(self.rollback.by.owner_id)
        check_right(access, self.project.key, environment, owner.name)

    def _record(self, revert: EnvironmentRevert, planned: PlannedChange) -> None:
        """Record the change. Its audit entry names no stage, because none did it."""
        self.store.releases.write_seen(self.release.id, revert.environment, planned.overlaid(revert.seen))
        self.store.history.add_change(self._change(revert.environment, revert.patch, planned))
        states = {"before": planned.before.model_dump(mode="json"), "after": planned.after.model_dump(mode="json")}
        self._audit(AuditEvent.FLAG_CHANGED, environment=revert.environment, stage=None, **states)

    def _change(self, environment: str, patch: FlagPatch, planned: PlannedChange) -> Change:
        return Change(
            key=rollback_key(self.release.id, self.rollback.n, environment),
            release=self.release.id,
            stage=self.release.stage,
            visit=self.release.visit,
            step=0,
            environment=environment,
            feature=self.release.feature,
            patch=patch,
            before=planned.before,
            after=planned.after,
            made_at=self.at,
            sequence=self.release.sequence + 1,
            undoes_from=self.rollback.undoes_from,
        )

    def _finish(self, changes: Sequence[Change], scope: UndoScope, left_alone: tuple[LeftAlone, ...]) -> None:
        store, release, rollback, following = self.store, self.release, self.rollback.done(self.at, left_alone), self.command.next
        undone = {each.visit for each in changes if each.undoes_from is None and each.changed_anything and scope.covers(each)}
        if not rollback.ended:
            store.history.write_run(release, StageOutcome.ROLLED_BACK)
        store.history.mark_rolled_back(release.id, undone)
        left = [each.model_dump(mode="json") for each in left_alone]
        self._audit(AuditEvent.RELEASE_ROLLED_BACK, after={"to_stage": rollback.to_stage, "force": rollback.force, "left_alone": left})
        key = f"rolled_back/{rollback.n}"
        if following:
            returned = release.returned_to(following, rollback, self.at, key)
            store.releases.write(returned)
            enter(store, returned, self.at)
            expect_watch(store, returned, following)
        else:
            store.releases.write(release.rolled_back(rollback, self.at, key))

    def _audit(self, event: AuditEvent, **more: Any) -> None:
        by: dict[str, Any] = {"on_behalf_of": self.rollback.by.owner, "reason": self.rollback.reason}
        audit(self.store, self.release, event, self.at, by_release(self.release.id), **by, **more)
