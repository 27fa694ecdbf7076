"""Two environments side by side."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.site import SiteDep
from api.routes.comparison import compare_environments
from api.routes.environments import list_environments
from api.schemas.comparison import ComparedFeature
from api.schemas.lists import ListOf
from domain.errors import Invalid
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/compare", route_class=PageRoute, include_in_schema=False)


@router.get("")
def show_comparison(site: SiteDep, left: Slug | None = None, right: Slug | None = None, cursor: str | None = None) -> Response:
    """Ask for two environments, and show the fields that differ between them."""
    environments = list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items
    labels = {each.key: each.name if each.name == each.key else f"{each.name} ({each.key})" for each in environments}
    compared: ListOf[ComparedFeature] | None = None
    refusal: Invalid | None = None
    if left and right:
        try:
            compared = compare_environments(site.key, left, right, site.caller, site.database, site.fresh_flags, Slice(cursor))
        except Invalid as invalid:
            refusal = invalid
    more = f"?{urlencode({'left': left, 'right': right, 'cursor': compared.next})}" if compared and compared.next else None
    context: dict[str, Any] = {"labels": labels, "left": left, "right": right, "compared": compared, "more": more, "refusal": refusal}
    return site.page("compare.html", "environments", sides=[labels.get(each, each) for each in (left, right) if each], **context)
