"""Segments, which are named sets of identities."""

from fastapi import APIRouter, Response

from activities.commands.references import environments_of_segment, uses_of_segment
from activities.commands.stops_freezes import wake_held_releases
from activities.providers.catalogue import provider_of
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.projects import ChangeSegment, CreateSegment, SegmentSummary, SegmentView
from domain.audit import AuditEvent
from domain.errors import InUse, Problem
from domain.evaluation.targeting import served_rules
from domain.flags.project import Segment, check_keeps_flags
from domain.flags.segment_rules import normalize_rules
from domain.flags.served_rules import as_written
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/segments", tags=["segments"])


@router.post("", status_code=201)
def create_segment(project: Slug, body: CreateSegment, caller: CallerDep, writing: WritingDep) -> SegmentView:
    """Create a segment. Values are stored in a normalized form. `warnings` lists changed values, and what SDKs evaluate differently.

    The key of a deleted segment can be used again with the role operator on every environment: rollbacks know segments by their key.
    """
    caller.must_operate_somewhere(project)
    rules, warnings = normalize_rules(body.rules)
    at, segment = now(), Segment(id=new_id(), key=body.key, name=body.name or body.key, rules=rules)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        check_keeps_flags(owner)
        if store.segments.was_deleted(segment.key, owner.id):
            caller.must_operate(project, sorted(provider_of(owner, store).environments()))
        store.segments.insert(at, project_id=owner.id, **segment.model_dump(mode="json"))
        after = segment.model_dump(mode="json", include={"name", "rules"})
        store.audit.record(caller, AuditEvent.SEGMENT_CREATED, at, project=project, segment=segment.key, after=after)
        return writing.answer(store, _view(segment, warnings), segment.etag)


@router.get("")
def list_segments(
    project: Slug, caller: CallerDep, database: DatabaseDep, fresh_flags: FreshFlagsDep, wanted: SliceDep
) -> ListOf[SegmentSummary]:
    """List the project's segments, by key. Those that are kept in another system have no rules here."""
    caller.must_see(project)
    fresh_flags.prefer(project)
    with database.reading() as store:
        page = store.segments.page(wanted, store.projects.get(project).id)
    return ListOf(items=[SegmentSummary.model_validate(each) for each in page.items], next=page.next)


@router.get("/{segment}")
def get_segment(
    project: Slug, segment: Slug, caller: CallerDep, database: DatabaseDep, fresh_flags: FreshFlagsDep, response: Response
) -> SegmentView:
    """Get a segment."""
    caller.must_see(project)
    fresh_flags.prefer(project)
    with database.reading() as store:
        found = store.segments.get(segment, store.projects.get(project).id)
    response.headers["ETag"] = found.etag
    return _view(found)


@router.patch("/{segment}")
def change_segment(
    project: Slug,
    segment: Slug,
    body: ChangeSegment,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> SegmentView:
    """Change a segment's name or rules.

    This requires the role operator on every environment in which an override, a published pipeline or an unfinished release uses it.
    Approvals of stages that name the segment lapse.
    """
    caller.must_operate_somewhere(project)
    rules, warnings = normalize_rules(body.rules or ())
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="update")
        found = store.segments.get(segment, owner.id, lock="update")
        caller.must_operate(project, environments_of_segment(store, owner, segment))
        check_keeps_flags(owner)
        precondition.check(found.etag, f"Segment '{segment}'")
        given = {"name": body.name, "rules": None if body.rules is None else rules}
        changed = found.model_copy(update={field: value for field, value in given.items() if value is not None})
        values = {"name": changed.name, "rules": changed.model_dump(mode="json")["rules"]}
        store.segments.update(found.id, **values)
        before = found.model_dump(mode="json", include={"name", "rules"})
        store.audit.record(caller, AuditEvent.SEGMENT_CHANGED, at, project=project, segment=segment, before=before, after=values)
        wake_held_releases(store, owner)
    response.headers["ETag"] = changed.etag
    return _view(changed, warnings)


@router.delete("/{segment}", status_code=204)
def delete_segment(project: Slug, segment: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a segment. It must not be used by an override, a published pipeline or an unfinished release."""
    caller.must_operate_somewhere(project)
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="update")
        check_keeps_flags(owner)
        found = store.segments.get(segment, owner.id)
        precondition.check(found.etag, f"Segment '{segment}'")
        if used_by := uses_of_segment(store, owner, segment):
            raise InUse(f"'{segment}' is still in use.", used_by=used_by)
        store.segments.delete(found.id, at)
        store.audit.record(caller, AuditEvent.SEGMENT_DELETED, at, project=project, segment=segment)


def _view(segment: Segment, warnings: tuple[Problem, ...] = ()) -> SegmentView:
    served = served_rules(segment.rules)
    differs = served != as_written(segment.rules)
    about = {"key": segment.key, "name": segment.name, "rules": segment.rules}
    return SegmentView(**about, served_rules=served if differs else None, warnings=list(warnings))
