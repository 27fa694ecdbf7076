"""Transitions of a release: its next state, its visit and its audit entries, written together in the caller's transaction."""

from datetime import datetime
from typing import Any, NamedTuple

from activities.store.database import Store
from activities.store.watchers import Visit
from domain.audit import Actor, AuditEntry, AuditEvent, by_release
from domain.errors import Refusal, Superseded, blocking_code
from domain.releases.release import Blocked, NextStage, NextStep, Release
from domain.releases.status import ReleaseStatus, StageOutcome
from domain.text import as_reason
from domain.webhooks.event import WebhookEvent, WebhookPayload


def audit(store: Store, release: Release, event: AuditEvent, at: datetime, actor: Actor | None = None, **more: Any) -> None:
    """Write an audit entry about a release. Without an actor the release acted by itself, on behalf of the owner responsible for it."""
    store.audit.add(AuditEntry(at=at, event=event, **(_about(release, actor) | more)))


def notify_webhooks(store: Store, release: Release, event: WebhookEvent, at: datetime, **details: Any) -> None:
    """Send webhooks an event for which the audit log has no entry, or one with fewer details."""
    store.webhook_outbox.add(WebhookPayload(event=event, at=at, details=details, **_about(release)))


def _about(release: Release, actor: Actor | None = None) -> dict[str, Any]:
    return {
        "actor": actor or by_release(release.id),
        "on_behalf_of": None if actor else release.responsible,
        "project": release.project,
        "environment": release.environment,
        "feature": release.feature,
        "pipeline": release.pipeline.key,
        "release": release.id,
        "stage": release.stage,
    }


def enter(store: Store, release: Release, at: datetime) -> None:
    """Record the start of the visit to the release's current stage."""
    store.history.enter(release)
    notify_webhooks(store, release, WebhookEvent.STAGE_ENTERED, at)


def expect_watch(store: Store, release: Release, entered: NextStage) -> None:
    """If the stage that a release has entered is to be watched, make sure that a worker does, even if the one that Temporal asks dies."""
    if entered.is_watched:
        store.watchers.expect(Visit(release.id, release.visit))


def finish_stage(
    store: Store, release: Release, outcome: StageOutcome, at: datetime, next_stage: NextStage | None, write_key: str, **times: Any
) -> Release:
    """End the visit. The release enters the next stage, or is completed without one. Raises Superseded."""
    after = release.entered(next_stage, at, write_key) if next_stage else release.ended(ReleaseStatus.COMPLETED, at, write_key)
    store.releases.write(after)
    if next_stage:
        store.history.move(release, outcome, after, acted_at=at, **times)
        expect_watch(store, after, next_stage)
        notify_webhooks(store, after, WebhookEvent.STAGE_ENTERED, at)
    else:
        store.history.write_run(release, outcome, acted_at=at, **times)
        audit(store, release, AuditEvent.RELEASE_COMPLETED, at)
    return after


def await_next_step(store: Store, release: Release, following: NextStep, at: datetime, write_key: str, entered_at: datetime) -> None:
    """Keep the release in its stage until the next step of the rollout is due. Raises Superseded."""
    after = release.stepped(following, at, write_key)
    store.releases.write(after.model_copy(update={"entered_at": release.entered_at or entered_at}))
    store.history.write_run(release, StageOutcome.PENDING, entered_at=entered_at, acts_at=after.acts_at)


def block(store: Store, release: Release, refusal: Refusal, at: datetime, write_key: str, **times: Any) -> Blocked:
    """Block the release until a person decides. Raises Superseded."""
    blocked = Blocked(code=blocking_code(refusal), message=refusal.message, since=at, details=refusal.details)
    after = release.blocked_by(blocked, write_key)
    store.releases.write(after.model_copy(update={"entered_at": release.entered_at or times.get("entered_at")}))
    store.history.write_run(release, StageOutcome.BLOCKED, **times)
    audit(store, release, AuditEvent.RELEASE_BLOCKED, at, after=blocked.model_dump(mode="json"), reason=as_reason(blocked.message))
    return blocked


class Ending(NamedTuple):
    """The end of a release before its last stage: its final status, who caused it, and the reason."""

    status: ReleaseStatus
    actor: Actor
    reason: str | None = None


def end(store: Store, release: Release, ending: Ending, at: datetime, write_key: str) -> Release:
    """End a release before its last stage. One that was rolling back after its end gets that end back. Raises Superseded."""
    if release.is_rolling_back_after_its_end:
        return end_as_before(store, release, ending, at, write_key)
    after = release.ended(ending.status, at, write_key)
    store.releases.write(after)
    store.history.write_run(release, StageOutcome.REMOVED)
    event = AuditEvent.RELEASE_REMOVED if ending.status is ReleaseStatus.REMOVED else AuditEvent.RELEASE_TERMINATED
    audit(store, release, event, at, actor=ending.actor, reason=ending.reason)
    return after


def end_as_before(store: Store, release: Release, ending: Ending, at: datetime, write_key: str) -> Release:
    """Give up the rollback of a release that had ended, by the actor and for the reason in `ending`. Raises Superseded."""
    if release.rollback is None or release.rollback.ended is None:
        raise Superseded("The release is not being rolled back after its end.")
    after = release.ended_as_before(release.rollback, release.rollback.ended, write_key)
    store.releases.write(after)
    audit(store, release, AuditEvent.RELEASE_NOT_ROLLED_BACK, at, actor=ending.actor, reason=ending.reason)
    return after
