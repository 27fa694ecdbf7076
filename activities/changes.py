"""Making a stage's change, exactly once in effect."""

from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from activities.messages import ChangeFlag, HeldBack, Made, Refused, Standing, standing_of, standing_of_none
from activities.providers.catalogue import provider_of
from activities.record.gates import DueStage, hold_back
from activities.record.transitions import audit, block, finish_stage, notify_webhooks, take_step
from activities.record.worker_metrics import ChangeMetrics
from activities.store.database import Database, Store
from domain.access import check_right
from domain.audit import AuditEvent
from domain.errors import Refusal, ReleaseNotFound, Superseded
from domain.flags.change import Change, PlannedChange, check_not_changed_by_hand
from domain.flags.project import Project
from domain.pipelines.gate import approval_among
from domain.releases.gate_hold import GateHold
from domain.releases.release import Release
from domain.releases.status import StageOutcome
from domain.webhooks.event import WebhookEvent


class ChangeActivities:
    """What a stage does to its flag."""

    def __init__(self, database: Database, meter: MetricMeter = MetricMeter.noop) -> None:
        self.database = database
        self.reporter = ChangeMetrics(meter)

    @activity.defn(name="change_flag")
    def change_flag(self, command: ChangeFlag) -> Made | HeldBack | Refused | Standing:
        """Make the change with its audit entry and its progress, in one transaction; or say why not, and hold or block the release.

        Doing this twice is the same as doing it once. Only what is no refusal is raised, to be retried.
        """
        at = activity.info().started_time
        try:
            with self.database.transaction() as store:
                change = _make(store, command, at)
            if isinstance(change, GateHold):
                return HeldBack(held=change)
            self.reporter.made(command, change)
            return Made(made_at=at, sequence=change.sequence)
        except Superseded:
            pass  # By another writer, or by an attempt at this very change.
        except Refusal as refusal:
            if blocked := self._block(command, refusal, at):
                return blocked
        return self._standing(command)

    def _standing(self, command: ChangeFlag) -> Made | Refused | Standing:
        try:
            with self.database.reading() as store:
                release = store.releases.get(command.release)
                return _answered_before(store, release, command) or standing_of(release)
        except ReleaseNotFound:
            return standing_of_none()

    def _block(self, command: ChangeFlag, refusal: Refusal, at: datetime) -> Refused | None:
        try:
            with self.database.transaction() as store:
                release = _fenced(store, command)
                times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
                blocked = block(store, release, refusal, at, command.refusal_key, **times)
        except (Superseded, ReleaseNotFound):
            return None
        self.reporter.refused(command, release.feature, refusal, at)
        return Refused(sequence=release.sequence + 1, blocked=blocked.without_details())


def _make(store: Store, command: ChangeFlag, at: datetime) -> Change | GateHold:
    project = store.projects.get(command.project, lock="share")
    release = store.releases.get(command.release, project.id, lock=True)
    _check_fence(release, command)
    asks = approval_among(command.gates) is not None
    now = provider_of(project, store).read(release.feature, command.environment) if asks else None
    if held := hold_back(store, project, release, DueStage(command.gates, at, command.due_at or command.acts_at, command.step), now):
        return held
    if not asks:  # A stage that asks people acts by the rights of those who approved it.
        owner, access = store.keys.owner(release.responsible_id)
        check_right(access, command.project, command.environment, owner.name)
    decided = _change(store, project, release, command, at)
    return _record(store, release, command, decided, at)


def _answered_before(store: Store, release: Release, command: ChangeFlag) -> Made | Refused | None:
    """What another attempt wrote, earlier or at the same instant. With another patch it was no attempt at this change."""
    recorded = store.history.change(command.key)
    if recorded and recorded.patch == command.patch:
        return Made(made_at=recorded.made_at, sequence=recorded.sequence)
    if release.blocked and release.write_key == command.refusal_key:
        return Refused(sequence=release.sequence, blocked=release.blocked.without_details())
    return None


def _fenced(store: Store, command: ChangeFlag) -> Release:
    release = store.releases.get(command.release, lock=True)
    _check_fence(release, command)
    return release


def _check_fence(release: Release, command: ChangeFlag) -> None:
    if release.is_finished or release.sequence != command.sequence:
        raise Superseded("The record of the release has gone on without this attempt.")


def _change(store: Store, project: Project, release: Release, command: ChangeFlag, at: datetime) -> PlannedChange:
    provider = provider_of(project, store)
    now = provider.read(release.feature, command.environment)
    seen = store.releases.seen(release.id, command.environment)
    if not command.overwrite:
        check_not_changed_by_hand(command.patch, now, seen)
    decided = provider.patch(release.feature, command.environment, command.patch, at)
    store.releases.write_seen(release.id, command.environment, decided.overlaid(seen))
    return decided


def _record(store: Store, release: Release, command: ChangeFlag, decided: PlannedChange, at: datetime) -> Change:
    change = Change(
        key=command.key,
        release=release.id,
        stage=command.stage,
        visit=command.visit,
        step=command.step,
        environment=command.environment,
        feature=release.feature,
        patch=command.patch,
        before=decided.before,
        after=decided.after,
        made_at=at,
        sequence=release.sequence + 1,
    )
    store.history.add_change(change)
    event = AuditEvent.FLAG_CHANGED if change.changed_anything else AuditEvent.STAGE_UNCHANGED
    audit(store, release, event, at, before=change.before.model_dump(mode="json"), after=change.after.model_dump(mode="json"))
    if change.changed_anything:
        notify_webhooks(store, release, WebhookEvent.STAGE_ACTED, at, step=command.step)
    if command.next_step:
        take_step(store, release, command.next_step, at, command.key, entered_at=command.entered_at)
    else:
        has_acted = change.changed_anything or store.history.has_changed_anything(release.id, release.visit)
        outcome = StageOutcome.ACTED if has_acted else StageOutcome.UNCHANGED
        times = {"entered_at": command.entered_at, "acts_at": command.acts_at}
        finish_stage(store, release, outcome, at, command.next, command.key, **times)
    return change
