"""Freezes: named periods in which nothing acts."""

from fastapi import APIRouter

from activities.commands.stops_freezes import end_freeze, make_freeze
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, OutboxRelayDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.stops_freezes import CreateFreeze, FreezeView, freeze_view
from domain.pipelines.freeze import Freeze
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/freezes", tags=["guards"])


@router.post("", status_code=201)
def create_freeze(project: Slug, body: CreateFreeze, caller: CallerDep, writing: WritingDep, delivery: OutboxRelayDep) -> FreezeView:
    """Freeze the project or some environments for a time; waits go on, and what comes due acts afterwards."""
    caller.must_see(project)
    at = now()
    starts_at, ends_at = body.period()
    own = {"name": body.name, "reason": body.reason, "environments": body.environments, "made_by": caller.owner.name}
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="update")
        made = make_freeze(store, caller, owner, Freeze(id=new_id(), starts_at=starts_at, ends_at=ends_at, **own), at)
        answer = writing.answer(store, freeze_view(made, at))
    delivery.wake()
    return answer


@router.get("")
def list_freezes(project: Slug, caller: CallerDep, database: DatabaseDep, wanted: SliceDep) -> ListOf[FreezeView]:
    """Freezes, newest first, past ones too."""
    caller.must_see(project)
    at = now()
    with database.reading() as store:
        page = store.freezes.page(store.projects.get(project).id, wanted)
    return ListOf(items=[freeze_view(freeze, at) for freeze in page.items], next=page.next)


@router.delete("/{freeze}", status_code=204)
def delete_freeze(project: Slug, freeze: Slug, caller: CallerDep, database: DatabaseDep, delivery: OutboxRelayDep) -> None:
    """Take a freeze away; the stages that it held act if nothing else holds them."""
    caller.must_see(project)
    with database.transaction() as store:
        end_freeze(store, caller, store.projects.get(project, lock="update"), freeze, now())
    delivery.wake()
