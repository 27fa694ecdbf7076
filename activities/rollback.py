"""The activity that carries out a rollback, exactly once in effect."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from temporalio import activity

from activities.asking_run import standing_for_run
from activities.messages import PutBack, Standing, standing_of, standing_without_record
from activities.providers.catalogue import provider_of
from activities.record.rollback_plan import EnvironmentRevert, RollbackPlanner
from activities.record.transitions import Ending, audit, block, end_as_before, enter
from activities.store.database import Database, Store
from domain.access import check_right
from domain.audit import AuditEvent, by_release
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.flags.change import Change, PlannedChange
from domain.flags.patch import FlagPatch
from domain.releases.net_change import UndoScope
from domain.releases.release import Release
from domain.releases.rollback import LeftAlone, Rollback, rollback_key
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.text import as_reason

log = structlog.get_logger()


class RollbackActivities:
    """The activity that undoes the changes of a release."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn(name="put_back", no_thread_cancel_exception=True)
    def put_back(self, command: PutBack) -> Standing:
        """Undo a release's changes and write its new state in one transaction, or record why that was refused.

        Doing this twice is the same as doing it once. The answer is always the state of the record.
        """
        at = activity.info().started_time
        try:
            with self.database.transaction() as store:
                left_alone = _RollbackAttempt(store, command, at).run()
            log.info("rolled_back", project=command.project, release=command.release, rollback=command.n, left_alone=left_alone)
        except Superseded:
            pass  # By another writer, or by another attempt at this rollback.
        except Refusal as refusal:
            self._refuse(command, refusal, at)
        return standing_for_run(self._standing(command.release), command)

    def _standing(self, release: str) -> Standing:
        try:
            with self.database.reading() as store:
                return standing_of(store.releases.get(release))
        except ReleaseNotFound:
            return standing_without_record()

    def _refuse(self, command: PutBack, refusal: Refusal, at: datetime) -> None:
        """Block the release. One that had ended gets its previous end back, and its rollback can be requested again."""
        try:
            with self.database.transaction() as store:
                release = store.releases.get(command.release, lock=True)
                _check_fence(release, command)
                key = f"not_rolled_back/{command.n}"
                if release.is_rolling_back_after_its_end:
                    end_as_before(store, release, Ending(release.status, by_release(release.id), as_reason(refusal.message)), at, key)
                else:
                    block(store, release, refusal, at, key)
            log.warning("rollback_refused", project=command.project, release=command.release, rollback=command.n, code=refusal.code())
        except (Superseded, ReleaseNotFound):
            pass


def _check_fence(release: Release, command: PutBack) -> Rollback:
    if release.status is not ReleaseStatus.ROLLING_BACK or release.sequence != command.sequence or release.rollback is None:
        raise Superseded("The record of the release was changed by another writer.")
    return release.rollback


class _RollbackAttempt:
    """One attempt, within its transaction. Locks are acquired in the usual order: project, release, feature."""

    def __init__(self, store: Store, command: PutBack, at: datetime) -> None:
        self.store = store
        self.command = command
        self.at = at
        self.project = store.projects.get(command.project, lock="share")
        self.release = store.releases.get(command.release, self.project.id, lock=True)
        self.rollback = _check_fence(self.release, command)
        self.provider = provider_of(self.project, store)

    def run(self) -> int:
        """Undo the changes in each environment, write the release's new state, and return how many fields were left alone."""
        planner = RollbackPlanner(self.store, self.release, self.provider.segments(), partial(self.provider.read, self.release.feature))
        scope = self.store.history.undoing(self.release.id, self.rollback.undoes_from)
        reverts = planner.plan(scope, force=self.rollback.force)
        for revert in reverts:
            if revert.patch.named:
                self._apply(revert)
        left_alone = tuple(left for revert in reverts for left in revert.left_alone)
        self._finish(planner.changes, scope, left_alone)
        return len(left_alone)

    def _apply(self, revert: EnvironmentRevert) -> None:
        """Change the flag by the rights that the person who asked has now. The audit entry names no stage, because none did it."""
        owner, access = self.store.keys.owner(self.rollback.by.owner_id)
        check_right(access, self.project.key, revert.environment, owner.name)
        planned = self.provider.patch(self.release.feature, revert.environment, revert.patch, self.at)
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
        else:
            store.releases.write(release.rolled_back(rollback, self.at, key))

    def _audit(self, event: AuditEvent, **more: Any) -> None:
        by: dict[str, Any] = {"on_behalf_of": self.rollback.by.owner, "reason": self.rollback.reason}
        audit(self.store, self.release, event, self.at, by_release(self.release.id), **by, **more)
