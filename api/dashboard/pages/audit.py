"""The audit log of a project, with filters."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from activities.store.paging import Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.site import SiteDep
from domain.audit import AuditEvent

router = APIRouter(prefix="/projects/{project}/audit", route_class=PageRoute, include_in_schema=False)

EQUAL = ("event", "environment", "feature", "segment", "pipeline", "release", "stage")
"""The filters that a column must equal. `owner` also finds what was done on somebody's behalf."""


@router.get("")
def show_audit(site: SiteDep, request: Request) -> Response:
    """List who did what, newest first."""
    given = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    filters = {name: given[name] for name in (*EQUAL, "owner") if name in given}
    equal = {name: value for name, value in filters.items() if name in EQUAL} | {"project": site.key}
    with site.database.reading() as store:
        page = store.audit.page(Slice(given.get("cursor")), equal, actor=filters.get("owner"))
    older = f"?{urlencode(filters | {'cursor': page.next})}" if page.next else None
    context: dict[str, Any] = {"entries": page.items, "filters": filters, "older": older, "is_first": "cursor" not in given}
    return site.page("audit.html", "audit", events=list(AuditEvent), **context)
