"""The pipelines of a project, as pictures of their stages."""

from collections import defaultdict
from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import SiteDep
from api.dependencies import now
from api.routes.pipelines import get_pipeline, list_pipelines, publish_pipeline
from api.routes.simulation import simulate_pipeline
from api.schemas.pipelines import PipelineSummary
from api.schemas.simulation import Simulate
from domain.entity_tag import Precondition
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines", route_class=PageRoute, include_in_schema=False)


@router.get("")
def show_pipelines(site: SiteDep) -> Response:
    """List the pipelines with their versions."""
    by_key = defaultdict[str, list[PipelineSummary]](list)
    for each in list_pipelines(site.key, site.caller, site.database, Slice(limit=MOST)).items:
        by_key[each.key].append(each)
    return site.page("pipelines.html", "pipelines", pipelines=[by_key[key] for key in sorted(by_key)])


@router.get("/{pipeline}")
def show_pipeline(site: SiteDep, pipeline: Slug) -> Response:
    """Show one version: its stages, what each does and when, and for a draft what is missing before it can be published."""
    answer = Response()
    view = get_pipeline(site.key, pipeline, site.caller, site.database, answer)
    simulation = simulate_pipeline(site.key, pipeline, site.caller, site.database, Simulate(starts_at=now()))
    missing = [
        each for each in simulation.obstacles if each.about == "pipeline" and each.code not in ("not_published", "pipeline_archived")
    ]
    return site.page("pipeline.html", "pipelines", pipeline=view, etag=answer.headers["etag"], missing=missing)


@router.post("/{pipeline}/publish")
def publish(site: SiteDep, pipeline: Slug, fields: FormDep) -> Response:
    """Publish a draft, if it is still the one that was shown."""
    shown = Precondition(frozenset({fields.get("etag", "")}))
    published = publish_pipeline(site.key, pipeline, shown, site.caller, site.writing(), Response())
    return RedirectResponse(f"/projects/{site.key}/pipelines/{published.id}", HTTPStatus.SEE_OTHER)
