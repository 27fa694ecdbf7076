"""The features of a project, with their state in each environment."""

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.site import SiteDep
from api.dependencies import TemporalHealthDep, TemporalUiDep
from api.routes.environments import list_environments
from api.routes.features import get_feature, list_features
from api.routes.releases import list_releases
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/features", route_class=PageRoute, include_in_schema=False)


@router.get("")
def show_features(site: SiteDep, cursor: str | None = None) -> Response:
    """List the features with their state in every environment."""
    page = list_features(site.key, site.caller, site.database, site.fresh_flags, Slice(cursor))
    environments = list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items
    creates = site.operates(*(each.key for each in environments))
    return site.page("features.html", "features", features=page.items, next=page.next, environments=environments, creates=creates)


@router.get("/{feature}")
def show_feature(site: SiteDep, feature: Slug, temporal_health: TemporalHealthDep, temporal_ui: TemporalUiDep, done: str = "") -> Response:
    """Show one feature: its state in every environment, and its releases."""
    view = get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response())
    releases = list_releases(
        site.key,
        site.caller,
        site.database,
        Slice(limit=20),
        temporal_ui,
        temporal_health,
        pipeline=None,
        feature=feature,
        environment=None,
        stage=None,
        status=None,
        added_by=None,
    ).items
    operated = [environment for environment in view.environments if site.operates(environment)]
    return site.page("feature.html", "features", feature=view, releases=releases, operated=operated, done=done == "yes")
