"""The pipelines of a project, as pictures of their stages."""

from collections import defaultdict

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.editor.findings import problems_among
from api.dashboard.page_route import PageRoute
from api.dashboard.site import SiteDep
from api.dependencies import now
from api.routes.pipelines import get_pipeline, list_pipelines
from api.routes.simulation import simulate_pipeline
from api.schemas.pipelines import PipelineSummary
from api.schemas.simulation import Simulate
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
def show_pipeline(site: SiteDep, pipeline: Slug, done: str = "") -> Response:
    """Show one version: its stages, what each does and when, and for a draft what is missing before it can be published."""
    view = get_pipeline(site.key, pipeline, site.caller, site.database, Response())
    simulation = simulate_pipeline(site.key, pipeline, site.caller, site.database, site.fresh_flags, Simulate(starts_at=now()))
    return site.page("pipeline.html", "pipelines", pipeline=view, missing=problems_among(simulation.obstacles), done=done)
