"""Segments, which are named sets of identities."""

from fastapi import APIRouter

from activities.commands.references import uses_of_segment
from activities.providers.catalogue import provider_of
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.projects import ChangeSegment, CreateSegment, SegmentView
from domain.audit import AuditEvent
from domain.errors import InUse
from domain.flags.project import Segment
from domain.flags.segment_rules import check_rules
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/segments", tags=["segments"])


@router.post("", status_code=201)
def create_segment(project: Slug, body: CreateSegment, caller: CallerDep, writing: WritingDep) -> SegmentView:
    """Create a segment."""
    caller.must_operate_somewhere(project)
    check_rules(body.rules)
    at, segment = now(), Segment(id=new_id(), key=body.key, name=body.name or body.key, rules=body.rules)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        store.segments.insert(at, project_id=owner.id, **segment.model_dump(mode="json"))
        after = segment.model_dump(mode="json", include={"name", "rules"})
        store.audit.record(caller, AuditEvent.SEGMENT_CREATED, at, project=project, segment=segment.key, after=after)
        return writing.answer(store, SegmentView.model_validate(segment))


@router.get("")
def list_segments(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[SegmentView]:
    """List the segments of the project, by key."""
    caller.must_see(project)
    with database.reading() as store:
        page = store.segments.page(slice_, store.projects.get(project).id)
    return ListOf(items=[SegmentView.model_validate(each) for each in page.items], next=page.next)


@router.get("/{segment}")
def get_segment(project: Slug, segment: Slug, caller: CallerDep, database: DatabaseDep) -> SegmentView:
    """Return one segment."""
    caller.must_see(project)
    with database.reading() as store:
        return SegmentView.model_validate(store.segments.get(segment, store.projects.get(project).id))


@router.patch("/{segment}")
def change_segment(project: Slug, segment: Slug, body: ChangeSegment, caller: CallerDep, database: DatabaseDep) -> SegmentView:
    """Change the name or the rules of a segment. This requires the role operator on every environment with an override for it."""
    caller.must_operate_somewhere(project)
    check_rules(body.rules or ())
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.segments.get(segment, owner.id, lock="update")
        caller.must_operate(project, sorted({each.environment for each in provider_of(owner, store).overridden_for(segment)}))
        changed = found.model_copy(update=body.model_dump(exclude_none=True) | ({"rules": body.rules} if body.rules is not None else {}))
        values = {"name": changed.name, "rules": changed.model_dump(mode="json")["rules"]}
        store.segments.update(found.id, **values)
        before = found.model_dump(mode="json", include={"name", "rules"})
        store.audit.record(caller, AuditEvent.SEGMENT_CHANGED, at, project=project, segment=segment, before=before, after=values)
    return SegmentView.model_validate(changed)


@router.delete("/{segment}", status_code=204)
def delete_segment(project: Slug, segment: Slug, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a segment. It must not be used by an override, a published pipeline or an unfinished release."""
    caller.must_operate_somewhere(project)
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.segments.get(segment, owner.id)
        if used_by := uses_of_segment(store, owner, segment):
            raise InUse(f"'{segment}' is still in use.", used_by=used_by)
        store.segments.delete(found.id, at)
        store.audit.record(caller, AuditEvent.SEGMENT_DELETED, at, project=project, segment=segment)
