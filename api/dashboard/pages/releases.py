"""The page of a release, and the way to add one."""

import re
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from activities.commands.add_release import AddRelease
from activities.store.paging import MOST, Slice
from api.dashboard.curves import curve_of
from api.dashboard.experiments import shown_experiments
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import Site, SiteDep
from api.dependencies import OutboxRelayDep, TemporalHealthDep, TemporalUiDep
from api.routes.experiments import list_experiments
from api.routes.pipelines import list_pipelines
from api.routes.releases import create_release, get_release
from api.routes.samples import list_samples
from api.routes.simulation import simulate_pipeline
from api.schemas.simulation import Simulate
from domain.flags.flag import Value
from domain.pipelines.gate import has_experiment
from domain.pipelines.parameter import ParameterType
from domain.pipelines.pipeline import PipelineDefinition, PipelineStatus
from domain.releases.control import Control
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/releases", route_class=PageRoute, include_in_schema=False)

MOST_DRAWN = 300
"""The most samples in a curve."""

PARAMETER = "parameter."
"""The prefix of the form's fields that are parameters of the pipeline."""


@router.get("/new")
def show_new(site: SiteDep, request: Request) -> Response:
    """Choose a pipeline and a flag, and see what would happen, before the flag is added."""
    fields = {name: value for name, value in request.query_params.items() if value.strip()}
    versions = list_pipelines(site.key, site.caller, site.database, Slice(limit=MOST)).items
    published = {each.key: each for each in reversed(versions) if each.status == PipelineStatus.PUBLISHED}
    site.fresh_flags.prefer(site.key)
    with site.database.reading() as store:
        features = store.features.page(Slice(limit=MOST), store.projects.get(site.key).id).items
        busy = store.releases.unfinished_of([feature.id for feature in features])
    chosen = published.get(fields.get("pipeline", ""))
    simulation = _simulate(site, chosen.key, chosen, fields) if chosen and "feature" in fields else None
    context = {"pipelines": published.values(), "features": [each for each in features if each.id not in busy], "busy": len(busy)}
    return site.page("release_new.html", "board", fields=fields, chosen=chosen, simulation=simulation, **context)


@router.post("/new")
def add(site: SiteDep, fields: FormDep, outbox_relay: OutboxRelayDep, temporal_ui: TemporalUiDep) -> Response:
    """Add the flag to the pipeline."""
    with site.database.reading() as store:
        definition = store.pipelines.get(store.projects.get(site.key).id, fields.get("pipeline", "")).definition
    body = AddRelease.model_validate(
        {"pipeline": fields.get("pipeline"), "feature": fields.get("feature")} | choices_of(definition, fields)
    )
    added = create_release(site.key, body, site.caller, site.writing(), site.fresh_flags, outbox_relay, temporal_ui)
    return RedirectResponse(f"/projects/{site.key}/releases/{added.id}?done=add", HTTPStatus.SEE_OTHER)


@router.get("/{release}")
def show_release(
    site: SiteDep, release: Slug, temporal_health: TemporalHealthDep, temporal_ui: TemporalUiDep, done: str | None = None
) -> Response:
    """Show where a flag is, what it waits for, what happened, what will happen, and what can be done."""
    view = get_release(site.key, release, site.caller, site.database, temporal_ui, temporal_health)
    watches = list_samples(site.key, release, site.caller, site.database, most=MOST_DRAWN).watches
    experiments = list_experiments(site.key, release, site.caller, site.database).experiments
    with site.database.reading() as store:
        definition = store.pipelines.version(view.pipeline.id).definition
        entries = store.audit.page(Slice(limit=MOST), {"project": site.key, "release": release})
    done = done if done in {"add", *Control} else None
    watched = [(watch, curve_of(watch)) for watch in reversed(watches)]
    context = {
        "watched": watched,
        "experiments": shown_experiments(experiments),
        "begins_in": next((stage.name for stage in definition.stages if has_experiment(stage.gates)), None),
    }
    return site.page("release.html", "board", release=view, definition=definition, entries=entries.items, done=done, **context)


def _simulate(site: Site, key: str, definition: PipelineDefinition, fields: FormFields) -> Any:
    body = Simulate.model_validate({"feature": fields["feature"]} | choices_of(definition, fields))
    return simulate_pipeline(site.key, key, site.caller, site.database, site.fresh_flags, body)


def choices_of(definition: PipelineDefinition, fields: FormFields) -> dict[str, Any]:
    """Return the starting stage, the parameters and what the person accepts."""
    given = {name.removeprefix(PARAMETER): value for name, value in fields.items() if name.startswith(PARAMETER)}
    types = {name: parameter.type for name, parameter in definition.parameters.items()}
    choices: dict[str, Any] = {"parameters": {name: _typed(value, types.get(name)) for name, value in given.items()}}
    if stage := fields.get("starting_stage"):
        choices["starting_stage"] = stage
    if fields.get("accept"):
        choices["accept"] = (fields["accept"],)
    return choices


def _typed(text: str, type_: ParameterType | None) -> Value:
    """Return a parameter's value. A text that is not of the type stays a text, which is then refused by name."""
    if type_ is ParameterType.INTEGER and re.fullmatch(r"-?[0-9]{1,16}", text.strip()):
        return int(text)
    if type_ is ParameterType.BOOLEAN and text in ("true", "false"):
        return text == "true"
    return text
