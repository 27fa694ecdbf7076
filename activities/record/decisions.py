"""The record of people's decisions about a release, with audit entries that name them, in the caller's transaction."""

from typing import Any

from activities.messages import Advanced, Decision, RecordProgress, Restarted, Resumed, Retried, Skipped
from activities.record.transitions import audit, finish_stage
from activities.store.database import Store
from activities.store.evidence import WatchKey
from domain.audit import AuditEvent, by_person
from domain.errors import OwnerUnknown
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import StageOutcome

Decided = Retried | Resumed | Advanced | Skipped | Restarted


def write_decision(store: Store, release: Release, decision: Decided, command: RecordProgress) -> None:
    """Record a decision. From then on the release acts by the rights of the person who made it. Raises Superseded or OwnerUnknown."""
    owner, at, write_key = decision.by.owner_id, command.at, command.write_key
    if not store.keys.knows_owner(owner):  # Only an update sent straight to Temporal can get here: the API checks the key.
        raise OwnerUnknown("Unknown owner id: no API key belongs to it.", owner_id=owner)
    match decision:
        case Retried():
            _accept_shown_state(store, release, decision)
            store.releases.write(_retried(release, decision, command))
            store.history.write_run(release, StageOutcome.PENDING)
            _audit(store, release, AuditEvent.RELEASE_RETRIED, command, decision, after={"overwrite": decision.overwrite})
        case Resumed(entered_at=entered_at, left=left):
            store.releases.write(release.resumed(owner, entered_at, at, write_key, left=left))
            _count_failures_anew(store, release)
            _audit(store, release, AuditEvent.RELEASE_RESUMED, command, decision)
        case Advanced():
            store.releases.write(release.made_due_now(owner, at, write_key))
            _audit(store, release, AuditEvent.RELEASE_ADVANCED, command, decision)
        case Skipped(next=following):
            _audit(store, release, AuditEvent.STAGE_SKIPPED, command, decision)
            finish_stage(store, release.with_responsible(owner), StageOutcome.SKIPPED, at, following, write_key)
        case Restarted(stage=stage):
            _audit(store, release, AuditEvent.RELEASE_RESTARTED, command, decision, after={"stage": stage.name})
            finish_stage(store, release.with_responsible(owner), StageOutcome.SKIPPED, at, stage, write_key)


def _retried(release: Release, retried: Retried, command: RecordProgress) -> Release:
    """Return the release with its stage due now. A release that blocked during a rollback resumes the rollback, by the new rights."""
    if release.rollback and release.rollback.is_asked:
        return release.rolling_back(release.rollback.asked_again(retried.by, command.at), command.write_key)
    return release.made_due_now(retried.by.owner_id, command.at, command.write_key)


def _count_failures_anew(store: Store, release: Release) -> None:
    """Forget the failures since a breach: the person who resumes knows of them."""
    observed = store.evidence.observed(release.id, release.visit)
    breached = [WatchKey(release.id, release.visit, key) for key, each in observed.items() if each.breached_at]
    locked = store.evidence.lock(breached)
    store.evidence.write({watch: each.after_breach(each.breached_at) for watch, each in locked.items() if each.breached_at})


def _accept_shown_state(store: Store, release: Release, retried: Retried) -> None:
    """If a person saw a conflict and chose to overwrite, count the state that they were shown as seen by the release."""
    shown = (release.blocked.details if release.blocked else {}).get("now")
    if retried.overwrite and shown is not None:
        seen = store.releases.seen(release.id, release.environment)
        store.releases.write_seen(release.id, release.environment, FlagPatch.model_validate(shown).applied(seen))


def _audit(store: Store, release: Release, event: AuditEvent, command: RecordProgress, decision: Decision, **more: Any) -> None:
    audit(store, release, event, command.at, actor=by_person(decision.by), reason=decision.reason, **more)
