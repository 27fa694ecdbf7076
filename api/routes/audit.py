"""The audit log: who did what, when, and what it changed."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import CallerOf, DatabaseOf, Since, SliceOf, Until
from api.schemas.lists import ListOf
from domain.audit import AuditEntry, Event
from domain.text import Name, Slug

router = APIRouter(prefix="/projects/{project}/audit", tags=["audit"])


@router.get("")
def list_audit_entries(
    project: Slug,
    caller: CallerOf,
    database: DatabaseOf,
    wanted: SliceOf,
    since: Since = None,
    until: Until = None,
    event: Event | None = None,
    owner: Annotated[Name | None, Query(description="Who did it, or for whom a release did it")] = None,
    environment: Slug | None = None,
    feature: Slug | None = None,
    segment: Slug | None = None,
    pipeline: Slug | None = None,
    release: Slug | None = None,
    stage: Name | None = None,
) -> ListOf[AuditEntry]:
    """Everything that was done in the project, newest first, filtered by any of these."""
    caller.must_see(project)
    places = {"environment": environment, "feature": feature, "segment": segment, "pipeline": pipeline, "release": release, "stage": stage}
    equal = {name: value for name, value in (places | {"event": event, "project": project}).items() if value is not None}
    with database.reading() as store:
        store.projects.get(project)
        page = store.audit.page(wanted, equal, actor=owner, since=since, until=until)
    return ListOf(items=page.items, next=page.next)
