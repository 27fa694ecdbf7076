"""Carrying out a guardrail's rollback at once, where the flag is kept here: without waiting for Temporal or a workflow."""

from datetime import datetime

import structlog

from activities.guarding.breach import Taken
from activities.messages import PutBack
from activities.providers.catalogue import provider_of
from activities.rollback_attempt import RollbackAttempt
from activities.store.database import Database
from domain.errors import Refusal

log = structlog.get_logger()


def put_back_at_once(database: Database, taken: Taken, at: datetime) -> bool:
    """Undo the changes of a release whose whole rollback a guardrail requested. Returns False if that is left to its workflow.

    The workflow is told of the rollback in any case. It finds the work done, or does it: both are fenced by the record's sequence.
    """
    release, rollback = taken.release, taken.release.rollback
    if rollback is None or rollback.to_stage or not release.keeps_flags:
        return False
    command = PutBack(project=release.project, release=release.id, sequence=release.sequence, n=rollback.n)
    try:
        with database.transaction() as store:
            attempt = RollbackAttempt(store, command, at)
            left_alone = attempt.run(provider_of(attempt.project, store))
    except Refusal as refusal:  # The workflow's own attempt puts it on the record.
        log.warning("rollback_left_to_workflow", project=release.project, release=release.id, code=refusal.code())
        return False
    log.info("rolled_back", project=release.project, release=release.id, rollback=rollback.n, left_alone=left_alone)
    return True
