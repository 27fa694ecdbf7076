"""Stops and freezes: what keeps stages from acting."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import SiteDep
from api.dependencies import OutboxRelayDep
from api.routes.environments import list_environments
from api.routes.freezes import create_freeze, delete_freeze, list_freezes
from api.routes.stops import create_stop, lift, list_stops
from api.schemas.stops_freezes import CreateFreeze, LiftStop, PlaceStop
from domain.entity_tag import UNCONDITIONAL
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}", route_class=PageRoute, include_in_schema=False)

ENVIRONMENT = "environment."
"""The prefix of the form's fields that choose the environments of a freeze."""


@router.get("/stops")
def show_stops(site: SiteDep) -> Response:
    """Show the stops and freezes of the project, and the forms for new ones."""
    page = Slice(limit=MOST)
    stops = list_stops(site.key, site.caller, site.database, page, standing=False).items
    freezes = list_freezes(site.key, site.caller, site.database, page).items
    environments = list_environments(site.key, site.caller, site.database, page).items
    with site.database.reading() as store:
        pipelines = store.pipelines.keys(store.projects.get(site.key).id)
    return site.page("stops.html", "stops", stops=stops, freezes=freezes, environments=environments, pipelines=pipelines)


@router.post("/stops")
def place(site: SiteDep, fields: FormDep) -> Response:
    """Place a stop on the project, an environment or a pipeline."""
    kind, _, key = fields.pop("scope", "project").partition(":")
    scope = {kind: key} if key else {}
    create_stop(site.key, PlaceStop.model_validate({"reason": fields.get("reason", "")} | scope), site.caller, site.writing())
    return _back(site.key)


@router.post("/stops/{stop}/lift")
def lift_stop(site: SiteDep, stop: Slug, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Lift a stop."""
    lift(site.key, stop, UNCONDITIONAL, site.caller, site.writing(), outbox_relay, LiftStop.model_validate(fields))
    return _back(site.key)


@router.post("/freezes")
def freeze(site: SiteDep, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Freeze the project or some environments for a period."""
    create_freeze(site.key, _freeze_of(fields), site.caller, site.writing(), outbox_relay)
    return _back(site.key)


@router.post("/freezes/{freeze}/delete")
def delete(site: SiteDep, freeze: Slug, _fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Delete a freeze."""
    delete_freeze(site.key, freeze, UNCONDITIONAL, site.caller, site.database, outbox_relay)
    return _back(site.key)


def _freeze_of(fields: FormFields) -> CreateFreeze:
    chosen = [name.removeprefix(ENVIRONMENT) for name in fields if name.startswith(ENVIRONMENT)]
    body: dict[str, Any] = {name: value for name, value in fields.items() if not name.startswith(ENVIRONMENT)}
    return CreateFreeze.model_validate(body | {"environments": chosen})


def _back(project: str) -> Response:
    return RedirectResponse(f"/projects/{project}/stops", HTTPStatus.SEE_OTHER)
