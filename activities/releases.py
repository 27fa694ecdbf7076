"""Recording the progress of a release where no flag is changed."""

import structlog
from temporalio import activity

from activities.messages import (
    HoldEnded,
    Overtaken,
    Recorded,
    RecordProgress,
    RemovedByTemporal,
    Retried,
    Standing,
    recorded,
    standing_of,
    standing_of_none,
)
from activities.progress import Ending, audit, block, end, finish_stage
from activities.store.database import Database, Store
from domain.audit import TEMPORAL, Actor, Event
from domain.errors import ReleaseNotFound, Superseded
from domain.patch import FlagPatch
from domain.release import Release, ReleaseStatus, StageOutcome
from domain.text import as_reason

log = structlog.get_logger()


class ReleaseActivities:
    """The record of a release, kept for its workflow."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @activity.defn(name="record_progress")
    def record_progress(self, command: RecordProgress) -> Recorded | Standing:
        """Write one step; where the record has gone on without this workflow, say where it stands instead.

        Doing this twice is the same as doing it once.
        """
        try:
            with self.database.transaction() as store:
                release = store.releases.get(command.release, lock=True)
                if release.write_key == command.write_key:
                    return recorded(release, command)
                if release.is_finished or release.sequence != command.sequence:
                    return standing_of(release)
                _write(store, release, command)
                answer = recorded(store.releases.get(command.release), command)
            log.info("progress_recorded", project=command.project, release=command.release, stage=release.stage, step=command.step.kind)
            return answer
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


def _write(store: Store, release: Release, command: RecordProgress) -> None:
    match command.step:
        case HoldEnded() as ended:
            times = {"entered_at": ended.entered_at, "acts_at": ended.acts_at}
            audit(store, release, Event.STAGE_HELD, command.at)
            finish_stage(store, release, StageOutcome.HELD, command.at, ended.next, command.write_key, **times)
        case Retried() as retried:
            _retry(store, release, retried, command)
        case RemovedByTemporal(reason=reason):
            ending = Ending(ReleaseStatus.REMOVED, TEMPORAL, as_reason(reason) if reason else None)
            end(store, release, ending, command.at, command.write_key)
        case Overtaken():
            differs = Superseded("The record and this workflow differ: one was reset or restored. Look at the flag, then retry or remove.")
            block(store, release, differs, command.at, command.write_key)


def _retry(store: Store, release: Release, retried: Retried, command: RecordProgress) -> None:
    """Where a person saw a conflict and chose to overwrite, what they were shown is what the release has now seen."""
    shown = (release.blocked.details if release.blocked else {}).get("now")
    if retried.overwrite and shown is not None:
        seen = store.releases.seen(release.id, release.environment)
        store.releases.write_seen(release.id, release.environment, FlagPatch.model_validate(shown).applied(seen))
    store.releases.write(release.retried(retried.by.owner_id, command.at, command.write_key))
    store.history.write_run(release, StageOutcome.PENDING)
    actor = Actor(kind="key", id=retried.by.key, owner=retried.by.owner)
    audit(store, release, Event.RELEASE_RETRIED, command.at, actor=actor, reason=retried.reason, after={"overwrite": retried.overwrite})
