"""The audit log: who did what, when, and what changed."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from activities.store.database import Database
from activities.store.paging import Slice
from api.dependencies import CallerDep, DatabaseDep, SinceDep, SliceDep, UntilDep
from api.schemas.lists import ListOf
from domain.audit import AuditEntry, AuditEvent
from domain.text import Name, Slug

router = APIRouter(tags=["audit"])

NDJSON = "application/x-ndjson"
EXPORT_BATCH = 200
"""The number of entries of an export that are in memory at a time."""

_ENTRIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"A page. With `Accept: {NDJSON}`: all entries, newest first, one JSON document per line. "
        "The stream is complete only if it ends with its last chunk.",
        "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/AuditEntry"}}},
    }
}


class Filters:
    """The filters of the audit log. Filters that are not given match every entry."""

    def __init__(
        self,
        since: SinceDep = None,
        until: UntilDep = None,
        event: AuditEvent | None = None,
        owner: Annotated[Name | None, Query(description="The owner who acted, or on whose behalf a release acted")] = None,
        environment: Slug | None = None,
        feature: Slug | None = None,
        segment: Slug | None = None,
        pipeline: Slug | None = None,
        release: Slug | None = None,
        stage: Name | None = None,
    ) -> None:
        places = {"environment": environment, "feature": feature, "segment": segment, "pipeline": pipeline}
        equal = places | {"event": event, "release": release, "stage": stage}
        self.equal = {name: value for name, value in equal.items() if value is not None}
        self.among: dict[str, Any] = {"actor": owner, "since": since, "until": until}

    def within(self, project: str | None) -> Self:
        """Restrict the filters to a project, if one is given."""
        if project:
            self.equal["project"] = project
        return self


FiltersDep = Annotated[Filters, Depends()]


def _wants_all(request: Request, accept: Annotated[str, Header(include_in_schema=False)] = "") -> bool:
    """True if the whole log is requested. Parameters for a page are then invalid."""
    if not any(_accepts_ndjson(kind) for kind in accept.lower().split(",")):
        return False
    message = f"Not allowed together with {NDJSON}, which returns all entries: leave it out."
    if pages := [name for name in ("cursor", "limit") if name in request.query_params]:
        raise RequestValidationError([{"type": "extra_forbidden", "loc": ("query", name), "msg": message} for name in pages])
    return True


def _accepts_ndjson(accepted: str) -> bool:
    """True for this media type, unless its weight is 0, which means not acceptable (RFC 9110, 12.4.2)."""
    kind, *parameters = (part.strip() for part in accepted.split(";"))
    return kind == NDJSON and not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", each) for each in parameters)


WantsAllDep = Annotated[bool, Depends(_wants_all)]


@router.get("/projects/{project}/audit", response_model=ListOf[AuditEntry], responses=_ENTRIES)
def list_audit_entries(
    project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep, filters: FiltersDep, wants_all: WantsAllDep
) -> ListOf[AuditEntry] | StreamingResponse:
    """List the audit entries of the project, newest first."""
    caller.must_see(project)
    with database.reading() as store:
        store.projects.get(project)
    filters.within(project)
    return _export(database, filters) if wants_all else _page(database, filters, slice_)


@router.get("/audit", response_model=ListOf[AuditEntry], responses=_ENTRIES)
def list_all_audit_entries(
    caller: CallerDep,
    database: DatabaseDep,
    slice_: SliceDep,
    filters: FiltersDep,
    wants_all: WantsAllDep,
    project: Slug | None = None,
) -> ListOf[AuditEntry] | StreamingResponse:
    """List all audit entries, also of deleted projects and outside projects. This requires the instance role owner."""
    caller.must_be_owner()
    if project:
        filters.within(project)
    return _export(database, filters) if wants_all else _page(database, filters, slice_)


def _page(database: Database, filters: Filters, slice_: Slice) -> ListOf[AuditEntry]:
    with database.reading() as store:
        page = store.audit.page(slice_, filters.equal, **filters.among)
    return ListOf(items=page.items, next=page.next)


def _export(database: Database, filters: Filters) -> StreamingResponse:
    """Stream all entries up to now. The first batch is read before the response starts, so that an outage can still be a 503."""
    batches = _batches(database, filters)
    return StreamingResponse(chain([next(batches)], batches), media_type=NDJSON)


def _batches(database: Database, filters: Filters) -> Iterator[bytes]:
    """Yield batches of lines. No database connection is held while they are sent. Entries written after the start are not included."""
    slice_: Slice | None = Slice(limit=EXPORT_BATCH)
    while slice_:
        page = _page(database, filters, slice_)
        yield "".join(f"{entry.model_dump_json()}\n" for entry in page.items).encode()
        slice_ = Slice(page.next, EXPORT_BATCH) if page.next else None
