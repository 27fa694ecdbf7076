"""Simulations of a version: when every stage and step would act, for parameters and a start that people choose."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api.dashboard.page_route import PageRoute
from api.dashboard.pages.releases import choices_of
from api.dashboard.site import SiteDep
from api.dependencies import now
from api.document_problems import parse_as
from api.routes.pipelines import get_pipeline
from api.routes.simulation import simulate_pipeline
from api.schemas.simulation import Simulate, SimulationView
from domain.errors import Invalid, Problem
from domain.instant import TimeZone, parse_instant
from domain.model import Frozen
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines/{pipeline}/simulate", route_class=PageRoute, include_in_schema=False)


class _Zone(Frozen):
    """The zone of a local time."""

    timezone: TimeZone


@router.get("")
def show_simulation(site: SiteDep, pipeline: Slug, request: Request) -> Response:
    """Show when every stage would act."""
    fields = {name: value for name, value in request.query_params.items() if value.strip()}
    view = get_pipeline(site.key, pipeline, site.caller, site.database, Response())
    simulation: SimulationView | None = None
    refusal: Invalid | None = None
    try:
        body = parse_as(Simulate, choices_of(view, fields) | _start(fields))
        simulation = simulate_pipeline(site.key, pipeline, site.caller, site.database, site.fresh_flags, body)
    except Invalid as invalid:
        refusal = invalid
    context: dict[str, Any] = {"pipeline": view, "fields": fields, "simulation": simulation, "refusal": refusal}
    return site.page("pipeline_simulate.html", "pipelines", **context)


def _start(fields: dict[str, str]) -> dict[str, datetime]:
    if "starts_at" not in fields:
        return {"starts_at": now()}
    zone = parse_as(_Zone, {"timezone": fields.get("timezone", "UTC")})
    try:
        return {"starts_at": parse_instant(fields["starts_at"], zone.timezone)}
    except ValueError as error:
        message = f"The start {error}."
        raise Invalid(message, problems=(Problem(pointer="/starts_at", code="not_a_time", message=message),)) from error
