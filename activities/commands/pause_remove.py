"""The commands that pause and remove releases. They write only the record, so they work while Temporal or every worker is down."""

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
from domain.releases.control import Control, Expected, check_allowed, needs_right_of_stage
from domain.releases.net_change import environments_changed
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus


def check_may_control(store: Store, caller: Caller, release: Release, control: Control, index: int | None = None) -> None:
    """Raise NotAllowed unless the caller may operate every environment ahead of the release, or ahead of stage `index` if it is earlier.

    The environments that a pending rollback would change count as well. So may the current one, even if others approve its stage.
    """
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    first = release.stage_index if index is None else min(index, release.stage_index)
    here = [release.environment] if needs_right_of_stage(control, stages[release.stage_index], release.step) else []
    needed = [*environments_ahead(stages, first), *here, *_in_pending_rollback(store, release)]
    caller.must_operate(release.project, list(dict.fromkeys(needed)))


def _in_pending_rollback(store: Store, release: Release) -> list[str]:
    if release.rollback is None or not release.rollback.is_asked:
        return []
    return environments_changed(store.history.changes(release.id), store.history.undoing(release.id, release.rollback.undoes_from))


class EndOrPauseRelease(Message):
    """A request to remove or pause a release that the caller last saw as `expected`."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()


def remove_release(store: Store, caller: Caller, project: Project, request: EndOrPauseRelease, at: datetime) -> Release:
    """End the release in its current stage. Its changes stay, and the fence stops every later attempt to act.

    Raises NotFound, NotAllowed, ControlNotAllowed or StageMoved.
    """
    release = _release_to_stop(store, caller, project, request, Control.REMOVE)
    removed = end(store, release, Ending(ReleaseStatus.REMOVED, by_key(caller), request.reason), at, f"removed/{release.sequence}")
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return removed


def pause_release(store: Store, caller: Caller, project: Project, request: EndOrPauseRelease, at: datetime) -> Release:
    """Pause the wait of the current stage. The fence stops every attempt to act until a person resumes the release.

    Raises NotFound, NotAllowed, ControlNotAllowed or StageMoved.
    """
    release = _release_to_stop(store, caller, project, request, Control.PAUSE)
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    (stage,) = with_fixed_times(stages[release.stage_index : release.stage_index + 1], release.parameters)
    paused = release.paused_at(stage.trigger, at, caller.owner.name, f"paused/{release.sequence}", request.reason)
    store.releases.write(paused)
    audit(store, release, AuditEvent.RELEASE_PAUSED, at, actor=by_key(caller), reason=request.reason)
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return paused


def _release_to_stop(store: Store, caller: Caller, project: Project, request: EndOrPauseRelease, control: Control) -> Release:
    release = store.releases.get(request.release, project.id, lock=True)
    check_may_control(store, caller, release, control)
    check_allowed(control, release.status)
    request.expected.check(release.stage, release.visit, release.step)
    return release
