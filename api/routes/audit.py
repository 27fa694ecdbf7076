"""The audit log: who did what, when, and what it changed."""

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
EXPORTED_AT_ONCE = 200
"""How many entries of an export are held at a time."""

_ENTRIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": f"A page; or with `Accept: {NDJSON}` every entry, newest first, one JSON document a line. "
        "Such a stream is whole only if it ends properly: one that breaks off lacks its last chunk.",
        "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/AuditEntry"}}},
    }
}


class Filters:
    """What entries are filtered by; what is not given filters nothing."""

    def __init__(
        self,
        since: SinceDep = None,
        until: UntilDep = None,
        event: AuditEvent | None = None,
        owner: Annotated[Name | None, Query(description="Who did it, or for whom a release did it")] = None,
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
        """The same, in one project if one is given."""
        if project:
            self.equal["project"] = project
        return self


FiltersOf = Annotated[Filters, Depends()]


def _wants_all(request: Request, accept: Annotated[str, Header(include_in_schema=False)] = "") -> bool:
    """Whether the whole log is asked for, in which case no page can be."""
    if not any(_takes(kind) for kind in accept.lower().split(",")):
        return False
    message = f"A page is asked for together with {NDJSON}, which holds everything: leave this out."
    if pages := [name for name in ("cursor", "limit") if name in request.query_params]:
        raise RequestValidationError([{"type": "extra_forbidden", "loc": ("query", name), "msg": message} for name in pages])
    return True


def _takes(accepted: str) -> bool:
    """A weight of 0 says: anything but this (RFC 9110, 12.4.2)."""
    kind, *parameters = (part.strip() for part in accepted.split(";"))
    return kind == NDJSON and not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", each) for each in parameters)


WantsAll = Annotated[bool, Depends(_wants_all)]


@router.get("/projects/{project}/audit", response_model=ListOf[AuditEntry], responses=_ENTRIES)
def list_audit_entries(
    project: Slug, caller: CallerDep, database: DatabaseDep, wanted: SliceDep, filters: FiltersOf, wants_all: WantsAll
) -> ListOf[AuditEntry] | StreamingResponse:
    """Everything that was done in the project, newest first, filtered by any of these."""
    caller.must_see(project)
    with database.reading() as store:
        store.projects.get(project)
    filters.within(project)
    return _export(database, filters) if wants_all else _page(database, filters, wanted)


@router.get("/audit", response_model=ListOf[AuditEntry], responses=_ENTRIES)
def list_all_audit_entries(
    caller: CallerDep,
    database: DatabaseDep,
    wanted: SliceDep,
    filters: FiltersOf,
    wants_all: WantsAll,
    project: Slug | None = None,
) -> ListOf[AuditEntry] | StreamingResponse:
    """Everything that was done at all, also in deleted projects and in none; this needs the instance role owner."""
    caller.must_be_owner()
    if project:
        filters.within(project)
    return _export(database, filters) if wants_all else _page(database, filters, wanted)


def _page(database: Database, filters: Filters, wanted: Slice) -> ListOf[AuditEntry]:
    with database.reading() as store:
        page = store.audit.page(wanted, filters.equal, **filters.among)
    return ListOf(items=page.items, next=page.next)


def _export(database: Database, filters: Filters) -> StreamingResponse:
    """All entries up to now. The first are read before the answer begins, so that an outage is still answered as one."""
    batches = _batches(database, filters)
    return StreamingResponse(chain([next(batches)], batches), media_type=NDJSON)


def _batches(database: Database, filters: Filters) -> Iterator[bytes]:
    """Some lines at a time; no connection is held while they are sent. What is written meanwhile is newer, and not among them."""
    wanted: Slice | None = Slice(limit=EXPORTED_AT_ONCE)
    while wanted:
        page = _page(database, filters, wanted)
        yield "".join(f"{entry.model_dump_json()}\n" for entry in page.items).encode()
        wanted = Slice(page.next, EXPORTED_AT_ONCE) if page.next else None
