"""Freezes: named periods in which no stage acts."""

from fastapi import APIRouter, Response

from activities.commands.stops_freezes import end_freeze, make_freeze
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, OutboxRelayDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.stops_freezes import CreateFreeze, FreezeView, freeze_view
from domain.pipelines.freeze import Freeze
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/freezes", tags=["guards"])


@router.post("", status_code=201)
def create_freeze(project: Slug, body: CreateFreeze, caller: CallerDep, writing: WritingDep, outbox_relay: OutboxRelayDep) -> FreezeView:
    """Freeze the project or some environments for a period. Waits continue, and stages that become due act afterwards."""
    caller.must_see(project)
    at = now()
    starts_at, ends_at = body.period()
    fields = {"name": body.name, "reason": body.reason, "environments": body.environments, "made_by": caller.owner.name}
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        freeze = make_freeze(store, caller, owner, Freeze(id=new_id(), starts_at=starts_at, ends_at=ends_at, **fields), at)
        answer = writing.answer(store, freeze_view(freeze, at), freeze.etag)
    outbox_relay.wake()
    return answer


@router.get("")
def list_freezes(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[FreezeView]:
    """List freezes, past ones included, newest first."""
    caller.must_see(project)
    at = now()
    with database.reading() as store:
        page = store.freezes.page(store.projects.get(project).id, slice_)
    return ListOf(items=[freeze_view(freeze, at) for freeze in page.items], next=page.next)


@router.get("/{freeze}")
def get_freeze(project: Slug, freeze: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> FreezeView:
    """Return one freeze."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.freezes.get(freeze, store.projects.get(project).id)
    response.headers["ETag"] = found.etag
    return freeze_view(found, now())


@router.delete("/{freeze}", status_code=204)
def delete_freeze(
    project: Slug,
    freeze: Slug,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    outbox_relay: OutboxRelayDep,
) -> None:
    """Delete a freeze. Stages that nothing else holds back then act."""
    caller.must_see(project)
    with database.transaction() as store:
        end_freeze(store, caller, store.projects.get(project, lock="update"), freeze, now(), precondition)
    outbox_relay.wake()
