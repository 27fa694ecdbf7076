"""Releases, which are flags on their way through a pipeline."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Query

from activities.commands.add_release import AddRelease, add_release
from activities.commands.approve import pending_approval
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from api.dependencies import (
    CallerDep,
    DatabaseDep,
    FreshFlagsDep,
    OutboxRelayDep,
    SinceDep,
    SliceDep,
    TemporalHealthDep,
    TemporalUiDep,
    UntilDep,
    WritingDep,
    now,
)
from api.schemas.lists import ListOf
from api.schemas.releases import ReleaseDetails, ReleaseSummary, ReleaseView, Viewer, approval_view
from domain.flags.project import Project
from domain.percentage import Percentage
from domain.releases.plan import shares_left
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from domain.releases.waiting import is_overdue
from domain.text import Name, Slug
from workflows.service.temporal_health import TemporalHealth

router = APIRouter(prefix="/projects/{project}/releases", tags=["releases"])
log = structlog.get_logger()


@router.post("", status_code=201)
def create_release(
    project: Slug,
    body: AddRelease,
    caller: CallerDep,
    writing: WritingDep,
    fresh_flags: FreshFlagsDep,
    outbox_relay: OutboxRelayDep,
    temporal_ui: TemporalUiDep,
) -> ReleaseView:
    """Add a flag to a published pipeline, at its first stage or a given one. This works even while Temporal is down."""
    caller.must_see(project)
    fresh_flags.require(project, body.feature)
    at = now()
    with writing.transaction() as store:
        found = store.projects.get(project, lock="share")
        release = add_release(store, caller, found, body, at, hides_names=outbox_relay.hides_names)
        answer = writing.answer(store, view_of(store, Viewer(temporal_ui, at), release))
    outbox_relay.wake()
    log.info("release_added", project=project, release=release.id, feature=release.feature, pipeline=release.pipeline.id)
    return answer


@router.get("")
def list_releases(
    project: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    slice_: SliceDep,
    temporal_ui: TemporalUiDep,
    temporal_health: TemporalHealthDep,
    since: SinceDep = None,
    until: UntilDep = None,
    pipeline: Annotated[Slug | None, Query(description="The key of a pipeline, or the id of one version")] = None,
    feature: Slug | None = None,
    environment: Annotated[Slug | None, Query(description="The environment of the current stage")] = None,
    stage: Annotated[Name | None, Query(description="The name of the current stage")] = None,
    status: ReleaseStatus | None = None,
    added_by: Annotated[Name | None, Query(description="The owner who added the flag")] = None,
) -> ListOf[ReleaseSummary]:
    """List releases, newest first."""
    caller.must_see(project)
    filters = {"pipeline": pipeline, "feature": feature, "environment": environment, "stage": stage, "status": status, "added_by": added_by}
    with database.reading() as store:
        equal = {name: value for name, value in filters.items() if value is not None}
        page = store.releases.page(store.projects.get(project).id, slice_, equal, since, until)
        followed = store.releases.followed(release.id for release in page.items if release.is_finished)
    viewer = viewer_for(temporal_ui, temporal_health, page.items)
    return ListOf(items=[viewer.summary(release, is_newest=release.id not in followed) for release in page.items], next=page.next)


@router.get("/{release}")
def get_release(
    project: Slug, release: Slug, caller: CallerDep, database: DatabaseDep, temporal_ui: TemporalUiDep, temporal_health: TemporalHealthDep
) -> ReleaseView:
    """Return one release, with its plan, its history, and the reason why it is not moving."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.releases.get(release, store.projects.get(project).id)
        details = _details(store, found, now())
    return viewer_for(temporal_ui, temporal_health, [found]).view(found, details)


def view_of(store: Store, viewer: Viewer, release: Release) -> ReleaseView:
    """Return the view of one release."""
    return viewer.view(release, _details(store, release, viewer.at))


def _details(store: Store, release: Release, at: datetime) -> ReleaseDetails:
    project = store.projects.get(release.project)
    pending = pending_approval(store, project, release) if release.is_under_way else None
    changes = store.history.changes(release.id)
    return ReleaseDetails(
        definition=store.pipelines.version(release.pipeline.id).definition,
        runs=store.history.runs(release.id),
        changes=changes,
        rollouts=_rollouts(store, project, release, shares_left(changes)),
        freezes=store.freezes.ahead(project.id, at),
        approval=approval_view(pending) if pending else None,
        is_newest=not release.is_finished or not store.releases.followed([release.id]),
    )


def _rollouts(store: Store, project: Project, release: Release, left: Mapping[str, Percentage]) -> dict[str, Percentage]:
    """Return the rollout shares that the release left and that the flag still has: a rollout may have been ended since."""
    if not left:
        return {}
    states = provider_of(project, store).look_all([release.feature]).get(release.feature, {})
    current = {environment: state.rollout.percent for environment, state in states.items() if state.rollout}
    return {environment: percent for environment, percent in left.items() if current.get(environment) == percent}


def viewer_for(temporal_ui: str, temporal_health: TemporalHealth, releases: Iterable[Release]) -> Viewer:
    """Ask for the state of Temporal only if a release is overdue, and while no database connection is held."""
    at = now()
    overdue = any(is_overdue(release, at) for release in releases)
    return Viewer(temporal_ui, at, temporal_health.get_from_thread() if overdue else None)
