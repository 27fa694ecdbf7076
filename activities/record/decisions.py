"""Writing what a person decided about a release: with the audit entry that names them, in the caller's transaction."""

from typing import Any

from activities.messages import Advanced, Decision, RecordProgress, Restarted, Resumed, Retried, Skipped
from activities.record.transitions import audit, finish_stage
from activities.store.database import Store
from domain.audit import AuditEvent, by_person
from domain.errors import OwnerUnknown
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import StageOutcome

Decided = Retried | Resumed | Advanced | Skipped | Restarted


def write_decision(store: Store, release: Release, decided: Decided, command: RecordProgress) -> None:
    """Write one decision; from then on the release acts by the rights of the one who took it. Raises Superseded or OwnerUnknown."""
    owner, at, write_key = decided.by.owner_id, command.at, command.write_key
    if not store.keys.knows_owner(owner):  # It was sent straight to Temporal: the API names the owner of a living key.
        raise OwnerUnknown("Nobody is known by the id of the owner who is said to have decided it.", owner_id=owner)
    match decided:
        case Retried():
            _note_what_was_shown(store, release, decided)
            store.releases.write(_tried_again(release, decided, command))
            store.history.write_run(release, StageOutcome.PENDING)
            _audit(store, release, AuditEvent.RELEASE_RETRIED, command, decided, after={"overwrite": decided.overwrite})
        case Resumed(entered_at=entered_at, left=left):
            store.releases.write(release.resumed(owner, entered_at, at, write_key, left=left))
            _audit(store, release, AuditEvent.RELEASE_RESUMED, command, decided)
        case Advanced():
            store.releases.write(release.made_due_now(owner, at, write_key))
            _audit(store, release, AuditEvent.RELEASE_ADVANCED, command, decided)
        case Skipped(next=following):
            _audit(store, release, AuditEvent.STAGE_SKIPPED, command, decided)
            finish_stage(store, release.with_responsible(owner), StageOutcome.SKIPPED, at, following, write_key)
        case Restarted(stage=stage):
            _audit(store, release, AuditEvent.RELEASE_RESTARTED, command, decided, after={"stage": stage.name})
            finish_stage(store, release.with_responsible(owner), StageOutcome.SKIPPED, at, stage, write_key)


def _tried_again(release: Release, retried: Retried, command: RecordProgress) -> Release:
    """A release that blocked while it was rolled back is rolled back, by the rights of whoever wants it tried again."""
    if release.rollback and release.rollback.is_asked:
        return release.rolling_back(release.rollback.asked_again(retried.by, command.at), command.write_key)
    return release.made_due_now(retried.by.owner_id, command.at, command.write_key)


def _note_what_was_shown(store: Store, release: Release, retried: Retried) -> None:
    """Where a person saw a conflict and chose to overwrite, what they were shown is what the release has now seen."""
    shown = (release.blocked.details if release.blocked else {}).get("now")
    if retried.overwrite and shown is not None:
        seen = store.releases.seen(release.id, release.environment)
        store.releases.write_seen(release.id, release.environment, FlagPatch.model_validate(shown).applied(seen))


def _audit(store: Store, release: Release, event: AuditEvent, command: RecordProgress, decided: Decision, **more: Any) -> None:
    audit(store, release, event, command.at, actor=by_person(decided.by), reason=decided.reason, **more)
