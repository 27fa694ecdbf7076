"""Removing a flag from a pipeline. The record alone decides it, so it holds while Temporal or every worker is down."""

from datetime import datetime

from activities.progress import Ending, end
from activities.store.database import Store
from activities.store.outbox import Kind
from domain.access import Caller
from domain.audit import by_key
from domain.model import Message
from domain.project import Project
from domain.release import Control, Expected, Release, ReleaseStatus, check_allowed, environments_ahead


def check_may_steer(store: Store, caller: Caller, release: Release) -> None:
    """Raise NotAllowed without the right on every environment that the release will still touch."""
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    caller.must_operate(release.project, environments_ahead(stages, release.stage_index))


class RemoveRelease(Message):
    """Which release to end, why, and where the caller last saw it."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()


def remove_release(store: Store, caller: Caller, project: Project, wanted: RemoveRelease, at: datetime) -> Release:
    """End the release where it stands; what it changed stays. Every later attempt to act meets the fence.

    Raises NotFound, NotAllowed, ControlNotAllowed or StageMoved.
    """
    release = store.releases.get(wanted.release, project.id, lock=True)
    check_may_steer(store, caller, release)
    check_allowed(Control.REMOVE, release.status)
    wanted.expected.check(release.stage, release.visit)
    ending = Ending(ReleaseStatus.REMOVED, by_key(caller), wanted.reason)
    removed = end(store, release, ending, at, f"removed/{release.sequence}")
    store.outbox.add(Kind.LOOK_AGAIN, release.id)
    return removed
