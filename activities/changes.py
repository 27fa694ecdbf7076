"""The activity that makes a stage's change, exactly once in effect."""

from contextlib import nullcontext
from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from activities.asking_run import standing_for_run
from activities.local_turns import LocalTurns
from activities.messages import ChangeFlag, HeldBack, Made, Refused, Standing, made_of, standing_of, standing_without_record
from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.record.gates import DueStage, MetFlag, check_still_approved, hold_back
from activities.record.transitions import audit, await_next_step, block, finish_stage, notify_webhooks
from activities.record.worker_metrics import ChangeMetrics
from activities.store.acting import ActingRelease
from activities.store.database import Database, Store
from domain.access import check_right
from domain.audit import AuditEvent
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.flags.change import Change, PlannedChange, check_not_changed_by_hand
from domain.pipelines.gate import approval_among
from domain.releases.gate_hold import GateHold
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from domain.webhooks.event import WebhookEvent


class ChangeActivities:
    """The activity that changes flags for stages."""

    def __init__(self, database: Database, meter: MetricMeter = MetricMeter.noop, local_changes: int = 1) -> None:
        self.database = database
        self.metrics = ChangeMetrics(meter)
        self.local_turns = LocalTurns(local_changes)

    @activity.defn(name="change_flag", no_thread_cancel_exception=True)
    def change_flag(self, command: ChangeFlag) -> Made | HeldBack | Refused | Standing:
        """Write the change, its audit entry and the release's progress in one transaction, or return what prevents it.

        A gate, stop or freeze holds the stage back, and a refusal blocks the release. Other errors are raised, to be retried.
        Doing this twice is the same as doing it once.
        """
        with self.local_turns.turn() if activity.info().is_local else nullcontext():
            return self._change_flag(command)

    def _change_flag(self, command: ChangeFlag) -> Made | HeldBack | Refused | Standing:
        at = _time_of_attempt(command)
        try:
            with self.database.transaction() as store:
                change = _change_or_hold(store, command, at)
            if isinstance(change, GateHold):
                return HeldBack(held=change)
            self.metrics.made(command, change)
            return made_of(change)
        except Superseded:
            pass  # By another writer, or by another attempt at this change.
        except Refusal as refusal:
            if blocked := self._block(command, refusal, at):
                return blocked
        answer = self._standing(command)
        return standing_for_run(answer, command) if isinstance(answer, Standing) else answer

    def _standing(self, command: ChangeFlag) -> Made | Refused | Standing:
        try:
            with self.database.reading() as store:
                release = store.releases.get(command.release)
                return _earlier_result(store, release, command) or standing_of(release)
        except ReleaseNotFound:
            return standing_without_record()

    def _block(self, command: ChangeFlag, refusal: Refusal, at: datetime) -> Refused | None:
        try:
            with self.database.transaction() as store:
                release = _lock_release(store, command)
                times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
                blocked = block(store, release, refusal, at, command.refusal_key, **times)
        except (Superseded, ReleaseNotFound):
            return None
        self.metrics.refused(command, release.feature, refusal, at)
        return Refused(sequence=release.sequence + 1, blocked=blocked.without_details())


def _time_of_attempt(command: ChangeFlag) -> datetime:
    """Return the time at which this attempt started, by Temporal's clock.

    A local attempt knows its worker's clock only. The time that passed since it was scheduled is right even if that clock is wrong.
    """
    info = activity.info()
    if command.at is None:
        return info.started_time
    return command.at + (info.started_time - info.scheduled_time)


def _change_or_hold(store: Store, command: ChangeFlag, at: datetime) -> Change | GateHold:
    acting = store.acting.get(command.release, command.project, at)
    release, project = acting.release, acting.project
    _check_fence(release, command)
    if not acting.has_webhooks:
        store.webhook_outbox.expect_none(project.key)
    provider = provider_of(project, store)
    needs_approval = approval_among(command.gates) is not None
    if command.gates or acting.may_be_held:
        flag = MetFlag(provider.read(release.feature, command.environment), provider.definitions_of) if needs_approval else MetFlag()
        due = DueStage(command.gates, at, command.due_at or command.acts_at, command.step)
        if hold := hold_back(store, project, release, due, flag):
            return hold
    if not needs_approval:  # A stage with an approval acts by the rights of those who approved it.
        check_right(acting.access, command.project, command.environment, acting.owner.name)
    elif command.step > 1:
        check_still_approved(store, release, command.gates)
    planned = _patch(store, provider, acting, command, at)
    return _record(store, release, command, planned, at)


def _earlier_result(store: Store, release: Release, command: ChangeFlag) -> Made | Refused | None:
    """Return what another attempt at this change wrote. A change with another patch is not an attempt at this one."""
    recorded = store.history.change(command.key)
    if recorded and recorded.patch == command.patch:
        return made_of(recorded)
    if release.blocked and release.write_key == command.refusal_key:
        return Refused(sequence=release.sequence, blocked=release.blocked.without_details())
    return None


def _lock_release(store: Store, command: ChangeFlag) -> Release:
    release = store.releases.get(command.release, lock=True)
    _check_fence(release, command)
    return release


def _check_fence(release: Release, command: ChangeFlag) -> None:
    if release.is_finished or release.sequence != command.sequence:
        raise Superseded("The record of the release was changed by another writer.")


def _patch(store: Store, provider: FlagProvider, acting: ActingRelease, command: ChangeFlag, at: datetime) -> PlannedChange:
    release, seen = acting.release, acting.seen
    now = provider.read(release.feature, command.environment)
    if not command.overwrite:
        check_not_changed_by_hand(command.patch, now, seen)
    planned = provider.patch(release.feature, command.environment, command.patch, at)
    if (after := planned.overlaid(seen)) != seen:
        store.releases.write_seen(release.id, command.environment, after)
    return planned


def _record(store: Store, release: Release, command: ChangeFlag, planned: PlannedChange, at: datetime) -> Change:
    change = Change(
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
    store.history.add_change(change)
    event = AuditEvent.FLAG_CHANGED if change.changed_anything else AuditEvent.STAGE_UNCHANGED
    audit(store, release, event, at, before=change.before.model_dump(mode="json"), after=change.after.model_dump(mode="json"))
    if change.changed_anything:
        notify_webhooks(store, release, WebhookEvent.STAGE_ACTED, at, step=command.step)
    if command.next_step:
        await_next_step(store, release, command.next_step, at, command.key, entered_at=command.entered_at)
    else:
        has_acted = change.changed_anything or store.history.has_changed_anything(release.id, release.visit)
        outcome = StageOutcome.ACTED if has_acted else StageOutcome.UNCHANGED
        times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
        finish_stage(store, release, outcome, at, command.next, command.key, **times)
    return change
