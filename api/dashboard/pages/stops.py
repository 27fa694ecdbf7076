"""Stops and freezes: what keeps stages from acting."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import SiteDep
from api.dependencies import OutboxRelayDep
from api.routes.freezes import delete_freeze, list_freezes
from api.routes.stops import lift, list_stops
from api.schemas.stops_freezes import LiftStop
from domain.entity_tag import UNCONDITIONAL
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}", route_class=PageRoute, include_in_schema=False)


@router.get("/stops")
def show_stops(site: SiteDep) -> Response:
    """Show the stops and freezes of the project."""
    page = Slice(limit=MOST)
    stops = list_stops(site.key, site.caller, site.database, page, standing=False).items
    freezes = list_freezes(site.key, site.caller, site.database, page).items
    return site.page("stops.html", "stops", stops=stops, freezes=freezes)


@router.post("/stops/{stop}/lift")
def lift_stop(site: SiteDep, stop: Slug, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Lift a stop."""
    lift(site.key, stop, UNCONDITIONAL, site.caller, site.writing(), outbox_relay, LiftStop.model_validate(fields))
    return _back(site.key)


@router.post("/freezes/{freeze}/delete")
def delete(site: SiteDep, freeze: Slug, _fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Delete a freeze."""
    delete_freeze(site.key, freeze, UNCONDITIONAL, site.caller, site.database, outbox_relay)
    return _back(site.key)


def _back(project: str) -> Response:
    return RedirectResponse(f"/projects/{project}/stops", HTTPStatus.SEE_OTHER)
