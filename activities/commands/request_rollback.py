"""Asking for a rollback. The record alone takes it, so it holds while Temporal or every worker is down."""

from datetime import datetime
from typing import NamedTuple

from activities.record.rollback_plan import EnvironmentRevert, RollbackPlanner
from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.errors import ControlNotAllowed, FeatureNotFound, ReleasedSince
from domain.flags.flag import FlagState
from domain.flags.project import Feature, Project
from domain.model import Message
from domain.pipelines.pipeline import environments_ahead
from domain.releases.control import Control, Expected, check_allowed
from domain.releases.net_change import environments_changed
from domain.releases.release import Release
from domain.releases.rollback import PreviousEnd, Rollback, first_undone_stage
from domain.releases.status import status_in_words


class RollBackRelease(Message):
    """Which release to roll back, how far, why, and where the caller last saw it."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()
    to_stage: str | None = None
    force: bool = False


class RollbackForecast(NamedTuple):
    """A rollback that is only thought of, and what it would do now."""

    rollback: Rollback
    undone: list[EnvironmentRevert]


def forecast_rollback(store: Store, caller: Caller, project: Project, wanted: RollBackRelease, at: datetime) -> RollbackForecast:
    """What the same rollback would do now; it is refused as that would be, and nothing is locked or written."""
    release = store.releases.get(wanted.release, project.id)
    rollback = _admitted(store, caller, release, wanted, at)
    if rollback.ended:
        _check_newest(store, release, store.features.get(release.feature, project.id))
    undoer = RollbackPlanner(store, release, lambda environment: _look(store, project, release, environment))
    undoing = store.history.undoing(release.id, rollback.undoes_from)
    return RollbackForecast(rollback, undoer.undone(undoing, force=rollback.force))


def request_rollback(store: Store, caller: Caller, project: Project, wanted: RollBackRelease, at: datetime) -> Release:
    """Write that what the release changed is to be put back. Whatever it still tries meets the fence; what it has done counts.

    One that has ended takes the feature's one slot again.
    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved, ReleasedSince, AlreadyReleasing or Invalid.
    """
    release = store.releases.get(wanted.release, project.id, lock=True)
    rollback = _admitted(store, caller, release, wanted, at)
    asked = release.rolling_back(rollback, f"rolling_back/{rollback.n}")
    if rollback.ended:
        _check_newest(store, release, store.features.get(release.feature, project.id, lock="update"))
        store.releases.write_reopened(asked)
    else:
        store.releases.write(asked)
    what = {"to_stage": rollback.to_stage, "force": rollback.force}
    audit(store, release, AuditEvent.RELEASE_ROLLING_BACK, at, actor=by_key(caller), reason=wanted.reason, after=what)
    store.outbox.add(OutboxKind.ROLL_BACK if rollback.ended else OutboxKind.LOOK_AGAIN, release.id)
    return asked


def _admitted(store: Store, caller: Caller, release: Release, wanted: RollBackRelease, at: datetime) -> Rollback:
    """What is asked for, if it makes sense now and the caller may."""
    caller.must_operate_somewhere(release.project)
    check_allowed(Control.ROLLBACK, release.status)
    rollback = _rollback(store, caller, release, wanted, at)
    _check_rights(store, caller, release, rollback)
    wanted.expected.check(release.stage, release.visit)
    return rollback


def _rollback(store: Store, caller: Caller, release: Release, wanted: RollBackRelease, at: datetime) -> Rollback:
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    ended = PreviousEnd(status=release.status, at=release.ended_at or at) if release.is_finished else None
    undoes_from = 0
    if wanted.to_stage is not None:
        come_through = [stage.name for stage in stages[release.starting_stage : release.stage_index + bool(ended)]]
        undoes_from = release.starting_stage + first_undone_stage(come_through, wanted.to_stage, release.stage)
    if ended and wanted.to_stage is not None:
        message = (
            f"The release is {status_in_words(release.status)}, so it can only be rolled back as a whole: "
            f"leave out the stage, and add the flag again at the stage after '{wanted.to_stage}'."
        )
        raise ControlNotAllowed(message, status=release.status)
    n = release.rollback.n + 1 if release.rollback else 1
    return Rollback(
        n=n,
        by=caller.person,
        asked_at=at,
        reason=wanted.reason,
        force=wanted.force,
        to_stage=stages[undoes_from - 1].name if undoes_from else None,
        undoes_from=undoes_from,
        ended=ended,
    )


def _check_rights(store: Store, caller: Caller, release: Release, rollback: Rollback) -> None:
    """The right is needed wherever something may be put back, and wherever a release under way would still act."""
    changed = environments_changed(store.history.changes(release.id), store.history.undoing(release.id, rollback.undoes_from))
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    first = rollback.undoes_from if rollback.to_stage else release.stage_index
    ahead = [] if rollback.ended else environments_ahead(stages, first)
    caller.must_operate(release.project, [*changed, *(each for each in ahead if each not in changed)])


def _check_newest(store: Store, release: Release, feature: Feature) -> None:
    newest = store.releases.newest_of(feature.id)
    if newest is None:
        raise FeatureNotFound(f"The feature '{release.feature}' that was released has been deleted.")
    if newest != release.id:
        message = f"A newer release of '{release.feature}' has been added, {newest}, so that this one can't be rolled back any more."
        raise ReleasedSince(message, release=newest)


def _look(store: Store, project: Project, release: Release, environment: str) -> FlagState:
    feature, place = store.features.get(release.feature, project.id), store.environments.get(environment, project.id)
    return store.features.state(feature, place)
