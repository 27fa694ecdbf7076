"""The activity that carries out a rollback, exactly once in effect."""

from datetime import datetime

import structlog
from temporalio import activity

from activities.asking_run import standing_for_run
from activities.messages import PutBack, Standing, standing_of, standing_without_record
from activities.providers.catalogue import provider_of
from activities.providers.elsewhere import FlagsElsewhere
from activities.record.transitions import Ending, block, end_as_before
from activities.retries import retried_when_told
from activities.rollback_attempt import RollbackAttempt, check_fence
from activities.rollbacks_elsewhere import RollbacksElsewhere
from activities.store.database import Database
from domain.audit import by_release
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.text import as_reason

log = structlog.get_logger()


class RollbackActivities:
    """The activity that undoes the changes of a release."""

    def __init__(self, database: Database, elsewhere: FlagsElsewhere) -> None:
        self.database = database
        self.elsewhere = RollbacksElsewhere(database, elsewhere, activity.heartbeat)

    @activity.defn(name="put_back", no_thread_cancel_exception=True)
    def put_back(self, command: PutBack) -> Standing:
        """Undo a release's changes and write its new state in one transaction, or record why that was refused.

        Doing this twice is the same as doing it once. The answer is always the state of the record.
        """
        at = activity.info().started_time
        try:
            left_alone = self._undo(command, at)
            log.info("rolled_back", project=command.project, release=command.release, rollback=command.n, left_alone=left_alone)
        except Superseded:
            pass  # By another writer, or by another attempt at this rollback.
        except Refusal as refusal:
            self._refuse(command, refusal, at)
        return standing_for_run(self._standing(command.release), command)

    def _undo(self, command: PutBack, at: datetime) -> int:
        if command.elsewhere:
            with retried_when_told():
                return self.elsewhere.undo(command, at)
        with self.database.transaction() as store:
            attempt = RollbackAttempt(store, command, at)
            return attempt.run(provider_of(attempt.project, store))

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
                check_fence(release, command)
                key = f"not_rolled_back/{command.n}"
                if release.is_rolling_back_after_its_end:
                    end_as_before(store, release, Ending(release.status, by_release(release.id), as_reason(refusal.message)), at, key)
                else:
                    block(store, release, refusal, at, key)
            log.warning("rollback_refused", project=command.project, release=command.release, rollback=command.n, code=refusal.code())
        except (Superseded, ReleaseNotFound):
            pass
