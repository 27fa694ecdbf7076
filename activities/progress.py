"""Recording the progress of a release where no flag is changed."""

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.messages import (
    Decision,
    HeldBack,
    HoldEnded,
    Overtaken,
    Recorded,
    RecordProgress,
    Refused,
    RemovedByTemporal,
    Standing,
    recorded,
    standing_of,
    standing_of_none,
)
from activities.record.decisions import write_decision
from activities.record.gates import DueStage, hold_back
from activities.record.transitions import Ending, audit, block, end, finish_stage
from activities.store.database import Database, Store
from domain.audit import TEMPORAL, AuditEvent
from domain.errors import ApprovalTimedOut, OwnerUnknown, ReleaseNotFound, Superseded
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.text import as_reason

log = structlog.get_logger()


class ReleaseActivities:
    """The record of a release, kept for its workflow."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn(name="record_progress")
    def record_progress(self, command: RecordProgress) -> Recorded | HeldBack | Refused | Standing:
        """Write one step; where the record has gone on without this workflow, say where it stands instead.

        Doing this twice is the same as doing it once. A decision of nobody who is known fails for good, and nothing is written.
        """
        try:
            with self.database.transaction() as store:
                answer, stage = _step(store, command)
        except ApprovalTimedOut as refusal:
            return self._block(command, refusal)
        except OwnerUnknown as refusal:
            raise ApplicationError(refusal.message, refusal.details, type=type(refusal).__name__, non_retryable=True) from refusal
        except (Superseded, ReleaseNotFound):
            return self.read_standing(command.release)
        if isinstance(answer, Recorded):
            log.info("progress_recorded", project=command.project, release=command.release, stage=stage, step=command.step.kind)
        return answer

    def _block(self, command: RecordProgress, refusal: ApprovalTimedOut) -> Refused | Standing:
        """Let a hold that nobody approved wait for a person."""
        try:
            with self.database.transaction() as store:
                release = store.releases.get(command.release, lock=True)
                if release.is_finished or release.sequence != command.sequence:
                    return standing_of(release)
                blocked = block(store, release, refusal, command.at, command.refusal_key)
            return Refused(sequence=release.sequence + 1, blocked=blocked.without_details())
        except (Superseded, ReleaseNotFound):
            return self.read_standing(command.release)

    @activity.defn(name="read_standing")
    def read_standing(self, release: str) -> Standing:
        """Where the record of a release stands."""
        try:
            with self.database.reading() as store:
                return standing_of(store.releases.get(release))
        except ReleaseNotFound:
            return standing_of_none()


def _step(store: Store, command: RecordProgress) -> tuple[Recorded | HeldBack | Refused | Standing, str]:
    """What comes of a step, and the stage where the release stood before it."""
    project = store.projects.get(command.project, lock="share") if isinstance(command.step, HoldEnded) else None
    release = store.releases.get(command.release, lock=True)
    if release.write_key == command.write_key:
        return recorded(release, command), release.stage
    if release.write_key == command.refusal_key and release.blocked:
        return Refused(sequence=release.sequence, blocked=release.blocked.without_details()), release.stage
    if release.is_finished or release.sequence != command.sequence:
        return standing_of(release), release.stage
    if project and isinstance(command.step, HoldEnded):
        due = DueStage(command.step.gates, command.at, command.step.due_at or command.step.acts_at)
        if held := hold_back(store, project, release, due, None):
            return HeldBack(held=held), release.stage
    _write(store, release, command)
    return recorded(store.releases.get(command.release), command), release.stage


def _write(store: Store, release: Release, command: RecordProgress) -> None:
    match command.step:
        case HoldEnded() as ended:
            times = {"entered_at": ended.entered_at, "acts_at": ended.acts_at}
            audit(store, release, AuditEvent.STAGE_HOLD_ENDED, command.at)
            finish_stage(store, release, StageOutcome.HELD, command.at, ended.next, command.write_key, **times)
        case Decision() as decided:
            write_decision(store, release, decided, command)
        case RemovedByTemporal(reason=reason):
            ending = Ending(ReleaseStatus.REMOVED, TEMPORAL, as_reason(reason) if reason else None)
            end(store, release, ending, command.at, command.write_key)
        case Overtaken():
            differs = Superseded("The record and this workflow differ: one was reset or restored. Look at the flag, then retry or remove.")
            block(store, release, differs, command.at, command.write_key)
