"""Changes of stages on the record: the decision about one, and its outcome, in the caller's transaction."""

from datetime import datetime
from typing import NamedTuple

from activities.messages import ChangeFlag, Made, Refused, made_of
from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.record.gates import DueStage, MetFlag, check_still_approved, hold_back
from activities.record.transitions import audit, await_next_step, finish_stage, notify_webhooks
from activities.store.acting import ActingRelease
from activities.store.database import Store
from activities.temporal_clock import AttemptClock
from domain.access import check_right
from domain.audit import AuditEvent
from domain.errors import Superseded
from domain.flags.change import Change, PlannedChange, as_before, check_not_changed_by_hand
from domain.flags.flag import FlagState
from domain.pipelines.gate import approval_among
from domain.releases.gate_hold import GateHold
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from domain.webhooks.event import WebhookEvent


class DueChange(NamedTuple):
    """A change that may be made now, the provider of the flag, and the time of the decision."""

    acting: ActingRelease
    provider: FlagProvider
    at: datetime


def decide(store: Store, command: ChangeFlag, clock: AttemptClock) -> DueChange | GateHold:
    """Return the change if it may be made now, or what holds it back. Raises LookTooOld, Superseded or another Refusal.

    "Now" is after the wait for the locks: a window may have closed, or a guardrail failed, in the meantime.
    """
    acting = store.acting.get(command.release, command.project, clock.now())
    at = clock.time_of_decision()
    release, project = acting.release, acting.project
    check_fence(release, command)
    if not acting.has_webhooks:
        store.webhook_outbox.expect_none(project.key)
    provider = provider_of(project, store)
    needs_approval = approval_among(command.gates) is not None
    if command.gates or command.guardrails or acting.may_be_held:
        flag = MetFlag(provider.read(release.feature, command.environment), provider.definitions_of) if needs_approval else MetFlag()
        due = DueStage(command.gates, at, command.due_at or command.acts_at, command.step, command.guardrails)
        if hold := hold_back(store, project, release, due, flag):
            return hold
    if not needs_approval:  # A stage with an approval acts by the rights of those who approved it.
        check_right(acting.access, command.project, command.environment, acting.owner.name)
    elif command.step > 1:
        check_still_approved(store, release, command.gates)
    if not command.overwrite:
        check_not_changed_by_hand(command.patch, _before(store, provider, release, command), acting.seen)
    return DueChange(acting, provider, at)


def _before(store: Store, provider: FlagProvider, release: Release, command: ChangeFlag) -> FlagState:
    """Return the flag as it was before the first attempt at this change, which may have made a part of it in another system."""
    now = provider.read(release.feature, command.environment)
    intended = store.intents.get(command.key) if command.elsewhere else None
    return as_before(intended, now) if intended else now


def check_fence(release: Release, command: ChangeFlag) -> None:
    """Raise Superseded if the record was changed since the workflow last knew it."""
    if release.is_finished or release.sequence != command.sequence:
        raise Superseded("The record of the release was changed by another writer.")


def earlier_result(store: Store, release: Release, command: ChangeFlag) -> Made | Refused | None:
    """Return what another attempt at this change wrote. A change with another patch is not an attempt at this one."""
    recorded = store.history.change(command.key)
    if recorded and recorded.patch == command.patch:
        return made_of(recorded, command)
    if release.blocked and release.write_key == command.refusal_key:
        return Refused(sequence=release.sequence, blocked=release.blocked.without_details())
    return None


def change_of(release: Release, command: ChangeFlag, planned: PlannedChange, at: datetime) -> Change:
    """Return a planned change as it goes on the record."""
    return Change(
        key=command.key,
        release=release.id,
        stage=command.stage,
        visit=command.visit,
        step=command.step,
        environment=command.environment,
        feature=release.feature,
        patch=command.patch,
        before=planned.before,
        after=planned.after,
        made_at=at,
        sequence=release.sequence + 1,
    )


def record(store: Store, release: Release, command: ChangeFlag, change: Change) -> None:
    """Record a change that was made, and move the release on. Raises Superseded."""
    store.history.add_change(change)
    audit_change(store, release, change)
    if change.changed_anything:
        notify_webhooks(store, release, WebhookEvent.STAGE_ACTED, change.made_at, step=command.step)
    move_on(store, release, command, change)


def audit_change(store: Store, release: Release, change: Change, reason: str | None = None) -> None:
    """Write the audit entry of a change."""
    event = AuditEvent.FLAG_CHANGED if change.changed_anything else AuditEvent.STAGE_UNCHANGED
    before, after = change.before.model_dump(mode="json"), change.after.model_dump(mode="json")
    audit(store, release, event, change.made_at, before=before, after=after, reason=reason)


def move_on(store: Store, release: Release, command: ChangeFlag, change: Change) -> None:
    """Move the release to its next step or stage, or to its end. Raises Superseded."""
    at = change.made_at
    if following := command.following:
        await_next_step(store, release, following, at, command.key, entered_at=command.entered_at)
    else:
        has_acted = change.changed_anything or store.history.has_changed_anything(release.id, release.visit)
        outcome = StageOutcome.ACTED if has_acted else StageOutcome.UNCHANGED
        times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
        finish_stage(store, release, outcome, at, command.next, command.key, **times)
