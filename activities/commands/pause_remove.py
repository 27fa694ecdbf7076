"""Removing and pausing a release. The record alone decides it, so it holds while Temporal or every worker is down."""

from datetime import datetime

from activities.record.transitions import Ending, audit, end
from activities.store.database import Store
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.flags.project import Project
from domain.model import Message
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.pipeline import environments_ahead
from domain.releases.control import Control, Expected, check_allowed
from domain.releases.net_change import environments_changed
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus


def check_may_steer(store: Store, caller: Caller, release: Release, index: int | None = None) -> None:
    """Raise NotAllowed without the right on every environment that the release will still touch, from that stage on if it is earlier."""
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    first = release.stage_index if index is None else min(index, release.stage_index)
    caller.must_operate(release.project, [*environments_ahead(stages, first), *_rolled_back_in(store, release)])


def _rolled_back_in(store: Store, release: Release) -> list[str]:
    if release.rollback is None or not release.rollback.is_asked:
        return []
    return environments_changed(store.history.changes(release.id), store.history.undoing(release.id, release.rollback.undoes_from))


class EndOrPauseRelease(Message):
    """Which release to stop, why, and where the caller last saw it."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()


def remove_release(store: Store, caller: Caller, project: Project, wanted: EndOrPauseRelease, at: datetime) -> Release:
    """End the release where it stands; what it changed stays. Every later attempt to act meets the fence.

    Raises NotFound, NotAllowed, ControlNotAllowed or StageMoved.
    """
    release = _to_stop(store, caller, project, wanted, Control.REMOVE)
    removed = end(store, release, Ending(ReleaseStatus.REMOVED, by_key(caller), wanted.reason), at, f"removed/{release.sequence}")
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return removed


def pause_release(store: Store, caller: Caller, project: Project, wanted: EndOrPauseRelease, at: datetime) -> Release:
    """Stop the clock of the stage where the release stands. Every attempt to act meets the fence until a person resumes it.

    Raises NotFound, NotAllowed, ControlNotAllowed or StageMoved.
    """
    release = _to_stop(store, caller, project, wanted, Control.PAUSE)
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    (stage,) = with_fixed_times(stages[release.stage_index : release.stage_index + 1], release.parameters)
    paused = release.paused_at(stage.trigger, at, caller.owner.name, f"paused/{release.sequence}", wanted.reason)
    store.releases.write(paused)
    audit(store, release, AuditEvent.RELEASE_PAUSED, at, actor=by_key(caller), reason=wanted.reason)
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return paused


def _to_stop(store: Store, caller: Caller, project: Project, wanted: EndOrPauseRelease, control: Control) -> Release:
    release = store.releases.get(wanted.release, project.id, lock=True)
    check_may_steer(store, caller, release)
    check_allowed(control, release.status)
    wanted.expected.check(release.stage, release.visit)
    return release
