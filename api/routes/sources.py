"""Metric sources: where a project's metrics come from. Only admins of the project change them and see their addresses."""

from fastapi import APIRouter, Response

from activities.commands.metric_definitions import change_source, create_source, delete_source
from activities.metrics.reader import MetricReader
from activities.store.metric_sources import StoredSource
from api.dependencies import CallerDep, DatabaseDep, MetricReaderDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.metrics import SourceCheckView, SourceView, WriteSource, source_view
from domain.errors import Invalid, Problem
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/sources", tags=["metrics"])


@router.post("", status_code=201)
def create_metric_source(project: Slug, body: WriteSource, caller: CallerDep, writing: WritingDep, reader: MetricReaderDep) -> SourceView:
    """Create a metric source. Its credential is stored encrypted, and never in an answer."""
    caller.must_administer(project)
    stored = _as_stored(body, reader)
    with writing.transaction() as store:
        create_source(store, caller, store.projects.get(project, lock="update"), stored)
        return writing.answer(store, source_view(stored, shows_address=True), stored.etag)


@router.get("")
def list_metric_sources(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[SourceView]:
    """List the project's metric sources, by key."""
    caller.must_see(project)
    shows_address = caller.access.administers(project)
    with database.reading() as store:
        page = store.metric_sources.page(store.projects.get(project).id, slice_)
    return ListOf(items=[source_view(each, shows_address=shows_address) for each in page.items], next=page.next)


@router.get("/{source}")
def get_metric_source(project: Slug, source: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> SourceView:
    """Return a metric source, without its credential."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.metric_sources.get(store.projects.get(project).id, source)
    response.headers["ETag"] = found.etag
    return source_view(found, shows_address=caller.access.administers(project))


@router.put("/{source}")
def replace_metric_source(
    project: Slug,
    source: Slug,
    body: WriteSource,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    reader: MetricReaderDep,
    response: Response,
) -> SourceView:
    """Replace a metric source. Without a credential, the stored one stays, unless the address changes. The kind never changes."""
    caller.must_administer(project)
    check_same_key(source, body.key)
    stored = _as_stored(body, reader)
    with database.transaction() as store:
        changed = change_source(store, caller, store.projects.get(project, lock="update"), stored, precondition)
    response.headers["ETag"] = changed.etag
    return source_view(changed, shows_address=True)


@router.delete("/{source}", status_code=204)
def delete_metric_source(project: Slug, source: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a metric source with its credential. No metric, published pipeline or unfinished release may use it."""
    caller.must_administer(project)
    with database.transaction() as store:
        delete_source(store, caller, store.projects.get(project, lock="update"), source, now(), precondition)


@router.post("/{source}/check")
def check_metric_source(project: Slug, source: Slug, caller: CallerDep, database: DatabaseDep, reader: MetricReaderDep) -> SourceCheckView:
    """Check whether a metric source answers. Changes nothing."""
    caller.must_administer(project)
    with database.reading() as store:
        stored = store.metric_sources.get(store.projects.get(project).id, source)
    passed, message = reader.answers(project, stored)
    return SourceCheckView(passed=passed, message=message)


def check_same_key(key: str, written: str) -> None:
    """Raise Invalid if a body has another key than the path."""
    if written != key:
        message = f"The key must be '{key}', as in the path: keys never change."
        raise Invalid(message, problems=(Problem(pointer="/key", code="unchangeable", message=message),))


def _as_stored(body: WriteSource, reader: MetricReader) -> StoredSource:
    """Return the source with its encrypted credential. Raises Invalid if it must not be called."""
    reader.check_reachable(body.source)
    return StoredSource(body.source, reader.seal(body.credential) if body.credential else None, now())
