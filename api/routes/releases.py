"""Releases: flags on their way."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from activities.adding import AddRelease, add_release
from activities.messages import Person
from activities.removing import RemoveRelease, check_may_steer, remove_release
from activities.store.database import Database, Store
from api.dependencies import CallerOf, DatabaseOf, DeliveryOf, Releases, Since, SliceOf, TemporalUi, Until, WritingOf, now
from api.schemas.lists import ListOf
from api.schemas.releases import ReleaseSummary, ReleaseView, Retry, Steer, Viewer
from domain.access import Caller
from domain.release import Control, Release, ReleaseStatus, check_allowed
from domain.text import Name, Slug
from workflows.messages import RetryRelease

router = APIRouter(prefix="/projects/{project}/releases", tags=["releases"])
log = structlog.get_logger()


@router.post("", status_code=201)
def create_release(
    project: Slug, body: AddRelease, caller: CallerOf, writing: WritingOf, delivery: DeliveryOf, temporal_ui: TemporalUi
) -> ReleaseView:
    """Add a flag to a published pipeline, at its first stage or at a chosen one. It is kept even while Temporal is down."""
    caller.must_see(project)
    at = now()
    with writing.transaction() as store:
        release = add_release(store, caller, store.projects.get(project, lock="share"), body, at)
        answer = writing.answer(store, _view(store, Viewer(temporal_ui, at), release))
    delivery.knock()
    log.info("release_added", project=project, release=release.id, feature=release.feature, pipeline=release.pipeline.id)
    return answer


@router.get("")
def list_releases(
    project: Slug,
    caller: CallerOf,
    database: DatabaseOf,
    wanted: SliceOf,
    temporal_ui: TemporalUi,
    since: Since = None,
    until: Until = None,
    pipeline: Annotated[Slug | None, Query(description="A key, or the id of one version")] = None,
    feature: Slug | None = None,
    environment: Annotated[Slug | None, Query(description="Of the stage where it stands")] = None,
    stage: Name | None = None,
    status: ReleaseStatus | None = None,
    added_by: Name | None = None,
) -> ListOf[ReleaseSummary]:
    """Releases, newest first."""
    caller.must_see(project)
    filters = {"pipeline": pipeline, "feature": feature, "environment": environment, "stage": stage, "status": status, "added_by": added_by}
    viewer = Viewer(temporal_ui, now())
    with database.reading() as store:
        equal = {name: value for name, value in filters.items() if value is not None}
        page = store.releases.page(store.projects.get(project).id, wanted, equal, since, until)
    return ListOf(items=[viewer.summary(release) for release in page.items], next=page.next)


@router.get("/{release}")
def get_release(project: Slug, release: Slug, caller: CallerOf, database: DatabaseOf, temporal_ui: TemporalUi) -> ReleaseView:
    """One release, whole: its plan, its history, and why it isn't moving."""
    caller.must_see(project)
    with database.reading() as store:
        return _view(store, Viewer(temporal_ui, now()), store.releases.get(release, store.projects.get(project).id))


@router.post("/{release}/remove")
def remove(
    project: Slug,
    release: Slug,
    caller: CallerOf,
    writing: WritingOf,
    delivery: DeliveryOf,
    temporal_ui: TemporalUi,
    body: Steer = Steer(),
) -> ReleaseView:
    """Take a flag out of its pipeline: it stops at once, also while Temporal is down; what was changed stays."""
    caller.must_see(project)
    at = now()
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        wanted = RemoveRelease(release=release, reason=body.reason, expected=body.expected)
        removed = remove_release(store, caller, owner, wanted, at)
        answer = writing.answer(store, _view(store, Viewer(temporal_ui, at), removed))
    delivery.knock()
    log.info("release_removed", project=project, release=removed.id, feature=removed.feature, stage=removed.stage)
    return answer


@router.post("/{release}/retry")
async def retry(
    project: Slug,
    release: Slug,
    caller: CallerOf,
    database: DatabaseOf,
    releases: Releases,
    temporal_ui: TemporalUi,
    writing: WritingOf,
    body: Retry = Retry(),
) -> ReleaseView:
    """Try a blocked stage again, `overwrite` also over what was changed by hand; answers when the record shows it."""
    found, person = await run_in_threadpool(_to_retry, database, caller, project, release)
    expected = body.expected.or_visit(found.visit)
    control = RetryRelease(by=person, overwrite=body.overwrite, reason=body.reason, expected=expected)
    await run_in_threadpool(writing.claim)
    await releases.retry(found, control, writing.update_id("retry"))
    return await run_in_threadpool(get_release, project, release, caller, database, temporal_ui)


def _to_retry(database: Database, caller: Caller, project: str, release_id: str) -> tuple[Release, Person]:
    caller.must_see(project)
    with database.reading() as store:
        release = store.releases.get(release_id, store.projects.get(project).id)
        check_may_steer(store, caller, release)
        if release.is_finished or release.status is ReleaseStatus.STARTING:
            check_allowed(Control.RETRY, release.status)
        return release, Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)


def _view(store: Store, viewer: Viewer, release: Release) -> ReleaseView:
    definition = store.pipelines.version(release.pipeline.id).definition
    return viewer.view(release, definition, store.history.runs(release.id), store.history.changes(release.id))
