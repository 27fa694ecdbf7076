"""The command that requests a rollback. It writes only the record, so it works while Temporal or every worker is down."""

from datetime import datetime
from functools import partial
from typing import NamedTuple

from activities.providers.catalogue import provider_of
from activities.record.rollback_plan import EnvironmentRevert, RollbackPlanner
from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.errors import ControlNotAllowed, FeatureNotFound, ReleasedSince
from domain.flags.project import Feature, Project
from domain.model import Message
from domain.pipelines.pipeline import environments_ahead
from domain.releases.control import Control, Expected, check_allowed
from domain.releases.net_change import environments_changed
from domain.releases.release import Release
from domain.releases.rollback import PreviousEnd, Rollback, first_undone_stage
from domain.releases.status import status_in_words


class RollBackRelease(Message):
    """A request to roll back a release that the caller last saw as `expected`, completely or to what `to_stage` left."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()
    to_stage: str | None = None
    force: bool = False


class RollbackForecast(NamedTuple):
    """A rollback that was not requested, and what it would do now."""

    rollback: Rollback
    reverts: list[EnvironmentRevert]


def forecast_rollback(store: Store, caller: Caller, project: Project, request: RollBackRelease, at: datetime) -> RollbackForecast:
    """Return what the rollback would do now, without a lock or a write. Raises whatever `request_rollback` would."""
    release = store.releases.get(request.release, project.id)
    rollback = _checked_rollback(store, caller, release, request, at)
    if rollback.ended:
        _check_newest(store, release, store.features.get(release.feature, project.id))
    provider = provider_of(project, store)
    planner = RollbackPlanner(store, release, provider.segments(), partial(provider.look, release.feature))
    scope = store.history.undoing(release.id, rollback.undoes_from)
    return RollbackForecast(rollback, planner.plan(scope, force=rollback.force))


def request_rollback(store: Store, caller: Caller, project: Project, request: RollBackRelease, at: datetime) -> Release:
    """Record that the release's changes must be undone. The fence stops its later attempts to act; earlier changes are undone too.

    A release that has ended occupies its feature again, so no other release can be added until the rollback is over.
    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved, ReleasedSince, AlreadyReleasing or Invalid.
    """
    release = store.releases.get(request.release, project.id, lock=True)
    rollback = _checked_rollback(store, caller, release, request, at)
    rolling_back = release.rolling_back(rollback, f"rolling_back/{rollback.n}")
    if rollback.ended:
        _check_newest(store, release, store.features.get(release.feature, project.id, lock="update"))
        store.releases.write_reopened(rolling_back)
    else:
        store.releases.write(rolling_back)
    after = {"to_stage": rollback.to_stage, "force": rollback.force}
    audit(store, release, AuditEvent.RELEASE_ROLLING_BACK, at, actor=by_key(caller), reason=request.reason, after=after)
    store.outbox.add(OutboxKind.ROLL_BACK if rollback.ended else OutboxKind.LOOK_AGAIN, release.id)
    return rolling_back


def _checked_rollback(store: Store, caller: Caller, release: Release, request: RollBackRelease, at: datetime) -> Rollback:
    """Return the requested rollback if the release's status allows it and the caller has the right."""
    caller.must_operate_somewhere(release.project)
    check_allowed(Control.ROLLBACK, release.status)
    rollback = _rollback(store, caller, release, request, at)
    _check_rights(store, caller, release, rollback)
    request.expected.check(release.stage, release.visit, release.step)
    return rollback


def _rollback(store: Store, caller: Caller, release: Release, request: RollBackRelease, at: datetime) -> Rollback:
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    ended = PreviousEnd(status=release.status, at=release.ended_at or at) if release.is_finished else None
    undoes_from = 0
    if request.to_stage is not None:
        passed = [stage.name for stage in stages[release.starting_stage : release.stage_index + bool(ended)]]
        undoes_from = release.starting_stage + first_undone_stage(passed, request.to_stage, release.stage)
    if ended and request.to_stage is not None:
        message = (
            f"The release is {status_in_words(release.status)}, so it can only be rolled back as a whole: "
            f"leave out the stage, then add the flag again at the stage after '{request.to_stage}'."
        )
        raise ControlNotAllowed(message, status=release.status)
    n = release.rollback.n + 1 if release.rollback else 1
    return Rollback(
        n=n,
        by=caller.person,
        asked_at=at,
        reason=request.reason,
        force=request.force,
        to_stage=stages[undoes_from - 1].name if undoes_from else None,
        undoes_from=undoes_from,
        ended=ended,
    )


def _check_rights(store: Store, caller: Caller, release: Release, rollback: Rollback) -> None:
    """Raise NotAllowed without the right on each environment to be reverted, and on those ahead of an unfinished release."""
    changed = environments_changed(store.history.changes(release.id), store.history.undoing(release.id, rollback.undoes_from))
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    first = rollback.undoes_from if rollback.to_stage else release.stage_index
    ahead = [] if rollback.ended else environments_ahead(stages, first)
    caller.must_operate(release.project, [*changed, *(each for each in ahead if each not in changed)])


def _check_newest(store: Store, release: Release, feature: Feature) -> None:
    newest = store.releases.newest_of(feature.id)
    if newest is None:
        raise FeatureNotFound(f"The feature '{release.feature}' of this release was deleted.")
    if newest != release.id:
        message = f"This release can no longer be rolled back: '{release.feature}' has a newer release, {newest}."
        raise ReleasedSince(message, release=newest)
