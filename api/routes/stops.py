"""Stop the line: nothing in the scope of a stop acts while it stands."""

from typing import Annotated

from fastapi import APIRouter, Query

from activities.commands.stops_freezes import lift_stop, place_stop
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, OutboxRelayDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.stops_freezes import LiftStop, PlaceStop, StopView, stop_view
from domain.releases.stop import Stop
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/stops", tags=["guards"])


@router.post("", status_code=201)
def create_stop(project: Slug, body: PlaceStop, caller: CallerDep, writing: WritingDep) -> StopView:
    """Stop the project, an environment or a pipeline, also while Temporal is down; operators stop their environments, admins all."""
    caller.must_see(project)
    at = now()
    stop = Stop(id=new_id(), placed_at=at, placed_by=caller.owner.name, placed_by_id=caller.owner_id, **dict(body))
    with writing.transaction() as store:
        placed = place_stop(store, caller, store.projects.get(project, lock="update"), stop)
        return writing.answer(store, stop_view(placed, at))


@router.get("")
def list_stops(
    project: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    wanted: SliceDep,
    standing: Annotated[bool, Query(description="Only those that stand now")] = True,
) -> ListOf[StopView]:
    """Stops, newest first."""
    caller.must_see(project)
    at = now()
    with database.reading() as store:
        page = store.stops.page(store.projects.get(project).id, wanted, at if standing else None)
    return ListOf(items=[stop_view(stop, at) for stop in page.items], next=page.next)


@router.post("/{stop}/lift")
def lift(
    project: Slug, stop: Slug, caller: CallerDep, writing: WritingDep, delivery: OutboxRelayDep, body: LiftStop = LiftStop()
) -> StopView:
    """Lift a stop, its placer or an admin; the stages that it held act if nothing else holds them."""
    caller.must_see(project)
    at = now()
    with writing.transaction() as store:
        lifted = lift_stop(store, caller, store.projects.get(project, lock="update"), stop, at, body.reason)
        answer = writing.answer(store, stop_view(lifted, at))
    delivery.wake()
    return answer
