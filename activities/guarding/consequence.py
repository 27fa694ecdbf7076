"""The consequence of a breach, from the record to the flag. A flag that is kept here is restored without Temporal."""

from datetime import datetime

import structlog

from activities.guarding.breach import take_breach
from activities.messages import PutBack
from activities.providers.catalogue import provider_of
from activities.rollback_attempt import RollbackAttempt
from activities.store.database import Database
from activities.store.evidence import WatchKey
from domain.errors import Refusal
from domain.pipelines.guardrail import Guardrail
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus

log = structlog.get_logger()


def carry_out_breach(database: Database, project: str, watch: WatchKey, guardrail: Guardrail, at: datetime) -> bool:
    """Take a breach, and restore the flag if that is possible at once. Returns False if there was nothing to take (any more)."""
    with database.transaction() as store:
        release = take_breach(store, project, watch, guardrail, at)
    if release is None:
        return False
    log.warning("guardrail_breached", project=project, release=release.id, guardrail=guardrail.name)
    _put_back_at_once(database, release, at)
    return True


def _put_back_at_once(database: Database, release: Release, at: datetime) -> None:
    """Undo the changes of a release whose whole rollback a guardrail has requested, if its flag is kept here.

    The workflow is told of the rollback in any case. It finds the work done, or does it: both are fenced by the record's sequence.
    """
    rollback = release.rollback
    if release.status is not ReleaseStatus.ROLLING_BACK or not rollback or not rollback.guardrail or rollback.to_stage:
        return
    if not release.keeps_flags:
        return
    command = PutBack(project=release.project, release=release.id, sequence=release.sequence, n=rollback.n)
    try:
        with database.transaction() as store:
            attempt = RollbackAttempt(store, command, at)
            left_alone = attempt.run(provider_of(attempt.project, store))
    except Refusal as refusal:  # The workflow's own attempt puts it on the record.
        log.warning("rollback_left_to_workflow", project=release.project, release=release.id, code=refusal.code())
        return
    log.info("rolled_back", project=release.project, release=release.id, rollback=rollback.n, left_alone=left_alone)
