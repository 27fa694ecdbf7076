"""Carrying out a rollback, exactly once in effect."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from temporalio import activity

from activities.messages import PutBack, Standing, standing_of, standing_of_none
from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.record.rollback_plan import EnvironmentRevert, RollbackPlanner
from activities.record.transitions import Ending, audit, block, end_as_before, enter
from activities.store.database import Database, Store
from domain.access import check_right
from domain.audit import AuditEvent, by_release
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.flags.change import Change, PlannedChange
from domain.flags.patch import FlagPatch
from domain.flags.project import Project
from domain.releases.net_change import UndoScope
from domain.releases.release import Release
from domain.releases.rollback import LeftAlone, Rollback, rollback_key
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.text import as_reason

log = structlog.get_logger()


class RollbackActivities:
    """What undoes a release."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn(name="put_back")
    def put_back(self, command: PutBack) -> Standing:
        """Put back what a release changed, in one transaction with its end or its new place; or say in the record why not.

        Doing this twice is the same as doing it once: whatever came of it is where the record stands.
        """
        at = activity.info().started_time
        try:
            with self.database.transaction() as store:
                left_alone = _Rolling(store, command, at).back()
            log.info("rolled_back", project=command.project, release=command.release, rollback=command.n, left_alone=left_alone)
        except Superseded:
            pass  # By another writer, or by an attempt at this very rollback.
        except Refusal as refusal:
            self._refuse(command, refusal, at)
        return self._standing(command.release)

    def _standing(self, release: str) -> Standing:
        try:
            with self.database.reading() as store:
                return standing_of(store.releases.get(release))
        except ReleaseNotFound:
            return standing_of_none()

    def _refuse(self, command: PutBack, refusal: Refusal, at: datetime) -> None:
        """A release under way waits for a person; one that had ended stays as it was, and can be asked again."""
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
        raise Superseded("The record of the release has gone on without this attempt.")
    return release.rollback


class _Rolling:
    """One attempt, within its transaction. Locks are taken in the one order: project, release, feature."""

    def __init__(self, store: Store, command: PutBack, at: datetime) -> None:
        self.store = store
        self.command = command
        self.at = at
        self.project: Project = store.projects.get(command.project, lock="share")
        self.release = store.releases.get(command.release, self.project.id, lock=True)
        self.rollback = _check_fence(self.release, command)
        self.provider: FlagProvider = provider_of(self.project, store)

    def back(self) -> int:
        """Put back, environment by environment, and write where the release stands then; how much was left alone."""
        read = partial(self.provider.read, self.release.feature)
        undoer = RollbackPlanner(self.store, self.release, self.provider.segments(), read)
        undoing = self.store.history.undoing(self.release.id, self.rollback.undoes_from)
        undone = undoer.undone(undoing, force=self.rollback.force)
        for each in undone:
            if each.patch.named:
                self._change(each)
        left_alone = tuple(left for each in undone for left in each.left_alone)
        self._finish(undoer.changes, undoing, left_alone)
        return len(left_alone)

    def _change(self, undone: EnvironmentRevert) -> None:
        """On behalf of the one who asked, by the rights that they have now; no stage did it, and the audit log names none."""
        owner, access = self.store.keys.owner(self.rollback.by.owner_id)
        check_right(access, self.project.key, undone.environment, owner.name)
        decided = self.provider.patch(self.release.feature, undone.environment, undone.patch, self.at)
        self.store.releases.write_seen(self.release.id, undone.environment, decided.overlaid(undone.seen))
        self.store.history.add_change(self._made(undone.environment, undone.patch, decided))
        states = {"before": decided.before.model_dump(mode="json"), "after": decided.after.model_dump(mode="json")}
        self._audit(AuditEvent.FLAG_CHANGED, environment=undone.environment, stage=None, **states)

    def _made(self, environment: str, patch: FlagPatch, decided: PlannedChange) -> Change:
        return Change(
            key=rollback_key(self.release.id, self.rollback.n, environment),
            release=self.release.id,
            stage=self.release.stage,
            visit=self.release.visit,
            step=0,
            environment=environment,
            feature=self.release.feature,
            patch=patch,
            before=decided.before,
            after=decided.after,
            made_at=self.at,
            sequence=self.release.sequence + 1,
            undoes_from=self.rollback.undoes_from,
        )

    def _finish(self, changes: Sequence[Change], undoing: UndoScope, left_alone: tuple[LeftAlone, ...]) -> None:
        store, release, rollback, following = self.store, self.release, self.rollback.done(self.at, left_alone), self.command.next
        undone = {each.visit for each in changes if each.undoes_from is None and each.changed_anything and undoing.covers(each)}
        if not rollback.ended:
            store.history.write_run(release, StageOutcome.ROLLED_BACK)
        store.history.mark_rolled_back(release.id, undone)
        what = {"to_stage": rollback.to_stage, "force": rollback.force, "left_alone": [each.model_dump(mode="json") for each in left_alone]}
        self._audit(AuditEvent.RELEASE_ROLLED_BACK, after=what)
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
