"""Making a pipeline: from a template with the project's own environments and segments, or empty."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from activities.providers.catalogue import provider_of
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import Site, SiteDep
from api.document_problems import parse_as
from api.problems import status_of
from api.routes.pipelines import create_pipeline
from api.schemas.pipelines import FromTemplate
from domain.errors import Refusal
from domain.pipelines.action import ForSegment
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.templates import TEMPLATES
from domain.text import closest

router = APIRouter(prefix="/projects/{project}/pipelines/new", route_class=PageRoute, include_in_schema=False)

EMPTY = "empty"
"""The choice of no template."""

_RENAMED = ("environments", "segments")


@router.get("")
def show_new(site: SiteDep, template: str = "") -> Response:
    """Choose a template, then its key, name, environments and segments."""
    site.caller.must_administer(site.key)
    chosen = TEMPLATES.get(template)
    fields = {"key": chosen.key, "name": chosen.name} if chosen else {}
    return _page(site, template if chosen or template == EMPTY else "", fields)


@router.post("")
def create(site: SiteDep, fields: FormDep) -> Response:
    """Create the draft, and go on to edit it."""
    site.caller.must_administer(site.key)
    template = fields.get("template", EMPTY)
    try:
        body = _body(template, fields)
        draft = create_pipeline(site.key, body, site.caller, site.writing(), Response())
    except Refusal as refusal:
        return _page(site, template, fields, refusal)
    return RedirectResponse(f"/projects/{site.key}/pipelines/{draft.id}/edit", HTTPStatus.SEE_OTHER)


def _body(template: str, fields: FormFields) -> PipelineDefinition | FromTemplate:
    texts = {name: fields[name] for name in ("key", "name") if name in fields}
    if template == EMPTY:
        return parse_as(PipelineDefinition, texts)
    renamed = {kind: {name.partition(".")[2]: key for name, key in fields.items() if name.startswith(f"{kind}.")} for kind in _RENAMED}
    return parse_as(FromTemplate, {"template": template, **texts, **renamed})


def _page(site: Site, template: str, fields: FormFields, refusal: Refusal | None = None) -> Response:
    with site.database.reading() as store:
        provider = provider_of(store.projects.get(site.key), store)
        known = {"environments": sorted(provider.environments()), "segments": sorted(provider.segments())}
    context: dict[str, Any] = {"known": known, "renames": _renames(TEMPLATES.get(template), known, fields)}
    if refusal:
        context["code"] = status_of(type(refusal))
    return site.page(
        "pipeline_new.html", "pipelines", templates=TEMPLATES.values(), chosen=template, fields=fields, refusal=refusal, **context
    )


def _renames(template: PipelineDefinition | None, known: dict[str, list[str]], fields: FormFields) -> dict[str, dict[str, str]]:
    """Return, for the environments and the segments of a template, the project's own that was chosen or is the closest."""
    if template is None:
        return {}
    named = {
        "environments": [stage.environment for stage in template.stages],
        "segments": [action.segment for stage in template.stages for action in stage.actions if isinstance(action, ForSegment)],
    }
    return {
        kind: {name: fields.get(f"{kind}.{name}") or closest(name, known[kind]) or "" for name in dict.fromkeys(names)}
        for kind, names in named.items()
    }
