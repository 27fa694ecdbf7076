"""The activities that record a release's progress without changing a flag."""

from datetime import datetime

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.asking_run import standing_for_run
from activities.guarding.stage_guard import StageGuard
from activities.messages import (
    Decision,
    HeldBack,
    HoldEnded,
    Overtaken,
    ReadStanding,
    Recorded,
    RecordProgress,
    Refused,
    RemovedByTemporal,
    Standing,
    recorded_step,
    standing_of,
    standing_without_record,
)
from activities.record.decisions import write_decision
from activities.record.gates import DueStage, MetFlag, hold_back
from activities.record.transitions import Ending, audit, block, end, finish_stage
from activities.store.database import Database, Store
from activities.temporal_clock import AttemptClock, ClockOfAttempt, clock_of_attempt
from domain.audit import TEMPORAL, AuditEvent
from domain.errors import ApprovalTimedOut, OwnerUnknown, ReleaseNotFound, Superseded
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.text import as_reason

log = structlog.get_logger()


class ReleaseActivities:
    """The activities that write and read a release's record for its workflow."""

    def __init__(self, database: Database, guard: StageGuard, clock_of: ClockOfAttempt = clock_of_attempt) -> None:
        self.database = database
        self.clock_of = clock_of
        self.guard = guard

    @activity.defn(name="record_progress", no_thread_cancel_exception=True)
    def record_progress(self, command: RecordProgress) -> Recorded | HeldBack | Refused | Standing:
        """Record one step, or return the state of the record if it is ahead of this workflow.

        Doing this twice is the same as doing it once. A decision by an unknown owner fails permanently, and nothing is written.
        """
        answer = self._record(command)
        return standing_for_run(answer, command) if isinstance(answer, Standing) else answer

    def _record(self, command: RecordProgress) -> Recorded | HeldBack | Refused | Standing:
        try:
            clock = self.clock_of(command.at)
            self.guard.look(command, clock)
            with self.database.transaction() as store:
                answer, stage = _step(store, command, clock)
        except ApprovalTimedOut as refusal:
            return self._block(command, refusal)
        except OwnerUnknown as refusal:
            raise ApplicationError(refusal.message, refusal.details, type=type(refusal).__name__, non_retryable=True) from refusal
        except (Superseded, ReleaseNotFound):
            return self._standing(command.release)
        if isinstance(answer, Recorded):
            log.info("progress_recorded", project=command.project, release=command.release, stage=stage, step=command.step.kind)
        return answer

    def _block(self, command: RecordProgress, refusal: ApprovalTimedOut) -> Refused | Standing:
        """Block a release whose hold was not approved in time."""
        try:
            with self.database.transaction() as store:
                release = store.releases.get(command.release, lock=True)
                if release.is_finished or release.sequence != command.sequence:
                    return standing_of(release)
                blocked = block(store, release, refusal, command.at, command.refusal_key)
            return Refused(sequence=release.sequence + 1, blocked=blocked.without_details())
        except (Superseded, ReleaseNotFound):
            return self._standing(command.release)

    @activity.defn(name="read_standing", no_thread_cancel_exception=True)
    def read_standing(self, command: ReadStanding | str) -> Standing:
        """Return the state of a release's record. Workflow code before 0.2 sends only the release's id."""
        if isinstance(command, str):
            command = ReadStanding(release=command)
        return standing_for_run(self._standing(command.release), command)

    def _standing(self, release: str) -> Standing:
        try:
            with self.database.reading() as store:
                return standing_of(store.releases.get(release))
        except ReleaseNotFound:
            return standing_without_record()


def _step(store: Store, command: RecordProgress, clock: AttemptClock) -> tuple[Recorded | HeldBack | Refused | Standing, str]:
    """Return the answer to a step, and the stage that the release was in before it."""
    project = store.projects.get(command.project, lock="share") if isinstance(command.step, HoldEnded) else None
    release = store.releases.get(command.release, lock=True)
    if release.write_key == command.write_key:
        return recorded_step(release, command), release.stage
    if release.write_key == command.refusal_key and release.blocked:
        return Refused(sequence=release.sequence, blocked=release.blocked.without_details()), release.stage
    if release.is_finished or release.sequence != command.sequence:
        return standing_of(release), release.stage
    at = command.at
    if project and isinstance(command.step, HoldEnded):
        step, at = command.step, clock.time_of_decision()  # After the wait for the locks, as for changes.
        due = DueStage(step.gates, at, step.due_at or step.acts_at, guardrails=step.guardrails)
        if hold := hold_back(store, project, release, due, MetFlag()):
            return HeldBack(held=hold), release.stage
    _write(store, release, command, at)
    return recorded_step(store.releases.get(command.release), command), release.stage


def _write(store: Store, release: Release, command: RecordProgress, at: datetime) -> None:
    match command.step:
        case HoldEnded() as ended:
            times = {"entered_at": ended.entered_at, "acts_at": ended.acts_at}
            audit(store, release, AuditEvent.STAGE_HOLD_ENDED, at)
            finish_stage(store, release, StageOutcome.HELD, at, ended.next, command.write_key, **times)
        case Decision() as decision:
            write_decision(store, release, decision, command)
        case RemovedByTemporal(reason=reason):
            ending = Ending(ReleaseStatus.REMOVED, TEMPORAL, as_reason(reason) if reason else None)
            end(store, release, ending, command.at, command.write_key)
        case Overtaken():
            refusal = Superseded("The record and this workflow differ: one was reset or restored. Check the flag, then retry or remove.")
            block(store, release, refusal, command.at, command.write_key)
