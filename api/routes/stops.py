"""Stops: no stage in the scope of a stop acts while it is in force."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from activities.commands.stops_freezes import LiftRequest, lift_stop, place_stop
from activities.store.identifiers import new_id
from api.dependencies import CallerDep, DatabaseDep, OutboxRelayDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.stops_freezes import LiftStop, PlaceStop, StopView, stop_view
from domain.releases.stop import Stop
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/stops", tags=["guards"])


@router.post("", status_code=201)
def create_stop(project: Slug, body: PlaceStop, caller: CallerDep, writing: WritingDep) -> StopView:
    """Stop a project, an environment or a pipeline, even while Temporal is down. Operators can stop their environments, admins anything."""
    caller.must_see(project)
    at = now()
    stop = Stop(id=new_id(), placed_at=at, placed_by=caller.owner.name, placed_by_id=caller.owner_id, **dict(body))
    with writing.transaction() as store:
        placed = place_stop(store, caller, store.projects.get(project, lock="update"), stop)
        return writing.answer(store, stop_view(placed, at), placed.etag)


@router.get("")
def list_stops(
    project: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    slice_: SliceDep,
    standing: Annotated[bool, Query(description="Only stops that are in force now")] = True,
) -> ListOf[StopView]:
    """List stops, newest first."""
    caller.must_see(project)
    at = now()
    with database.reading() as store:
        page = store.stops.page(store.projects.get(project).id, slice_, at if standing else None)
    return ListOf(items=[stop_view(stop, at) for stop in page.items], next=page.next)


@router.get("/{stop}")
def get_stop(project: Slug, stop: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> StopView:
    """Return one stop."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.stops.get(stop, store.projects.get(project).id)
    response.headers["ETag"] = found.etag
    return stop_view(found, now())


@router.post("/{stop}/lift")
def lift(
    project: Slug,
    stop: Slug,
    precondition: PreconditionDep,
    caller: CallerDep,
    writing: WritingDep,
    outbox_relay: OutboxRelayDep,
    body: LiftStop = LiftStop(),
) -> StopView:
    """Lift a stop, as the person who placed it or as an admin. Stages that nothing else holds back then act."""
    caller.must_see(project)
    at = now()
    with writing.transaction() as store:
        request = LiftRequest(stop, precondition, body.reason)
        lifted = lift_stop(store, caller, store.projects.get(project, lock="update"), request, at)
        answer = writing.answer(store, stop_view(lifted, at), lifted.etag)
    outbox_relay.wake()
    return answer
