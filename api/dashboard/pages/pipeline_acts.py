"""Publishing, deleting, cloning and archiving a version. Each is shown on a page of its own before it happens."""

from enum import StrEnum
from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.dashboard.editor.findings import problems_among
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import Site, SiteDep
from api.dependencies import now
from api.routes.pipelines import archive_pipeline, clone_pipeline, delete_pipeline, get_pipeline, publish_pipeline
from api.routes.simulation import simulate_pipeline
from api.schemas.pipelines import ClonePipeline
from api.schemas.simulation import Simulate
from domain.entity_tag import Precondition
from domain.errors import NotADraft, NotPublished
from domain.pipelines.pipeline import PipelineStatus
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines/{pipeline}", route_class=PageRoute, include_in_schema=False)


class PipelineAct(StrEnum):
    """Something that can be done with a version as a whole."""

    PUBLISH = "publish"
    DELETE = "delete"
    CLONE = "clone"
    ARCHIVE = "archive"


@router.get("/{act}")
def show_act(site: SiteDep, pipeline: Slug, act: PipelineAct) -> Response:
    """Show what would happen, and ask. It is refused if the act would be."""
    site.caller.must_administer(site.key)
    answer = Response()
    view = get_pipeline(site.key, pipeline, site.caller, site.database, answer)
    _check_status(act, view.status, f"Version {view.version} of '{view.key}'")
    simulation = simulate_pipeline(site.key, pipeline, site.caller, site.database, site.fresh_flags, Simulate(starts_at=now()))
    context = {"pipeline": view, "etag": answer.headers["etag"], "missing": problems_among(simulation.obstacles)}
    return site.page("pipeline_act.html", "pipelines", act=act, simulation=simulation, **context)


@router.post("/{act}")
def carry_out(site: SiteDep, pipeline: Slug, act: PipelineAct, fields: FormDep) -> Response:
    """Carry out the act, if the version is still the one that was shown."""
    return RedirectResponse(f"/projects/{site.key}/pipelines{_carry_out(site, pipeline, act, fields)}", HTTPStatus.SEE_OTHER)


def _carry_out(site: Site, pipeline: str, act: PipelineAct, fields: FormFields) -> str:
    """Return where to go next, below the list of pipelines."""
    shown = Precondition(frozenset({fields.get("etag", "")}))
    match act:
        case PipelineAct.PUBLISH:
            return (
                f"/{publish_pipeline(site.key, pipeline, shown, site.caller, site.writing(), site.fresh_flags, Response()).id}?done=publish"
            )
        case PipelineAct.DELETE:
            delete_pipeline(site.key, pipeline, shown, site.caller, site.database)
            return ""
        case PipelineAct.CLONE:
            wanted = ClonePipeline.model_validate({name: fields[name] for name in ("key", "name") if name in fields})
            return f"/{clone_pipeline(site.key, pipeline, site.caller, site.writing(), Response(), wanted).id}/edit"
        case PipelineAct.ARCHIVE:
            return f"/{archive_pipeline(site.key, pipeline, shown, site.caller, site.writing(), Response()).id}"


def _check_status(act: PipelineAct, status: str, version: str) -> None:
    if act in (PipelineAct.PUBLISH, PipelineAct.DELETE) and status != PipelineStatus.DRAFT:
        raise NotADraft(f"{version} is {status} and can't be changed: clone it instead.")
    if act is PipelineAct.ARCHIVE and status != PipelineStatus.PUBLISHED:
        raise NotPublished(f"{version} is {status}: only a published version can be archived.")
