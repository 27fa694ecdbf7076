"""The dashboard as a part of the API: its pages and its static files."""

from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from api import body_limits
from api.dashboard.error_pages import too_large_page
from api.dashboard.openid import OpenIdConfig, OpenIdProvider
from api.dashboard.pages import (
    approvals,
    audit,
    compare,
    controls,
    environments,
    feature_forms,
    features,
    flag_forms,
    guard_forms,
    keys,
    live,
    metric_ask,
    metric_sources,
    metrics,
    openid,
    pipeline_acts,
    pipeline_edit,
    pipeline_new,
    pipelines,
    project_new,
    projects,
    provider,
    releases,
    segments,
    sign_in,
    simulations,
    status,
    stops,
    unknown,
    webhooks,
)
from api.rate_limit import RateLimit

FORMS = ("/projects/", "/sign-in", "/sign-out", project_new.PATH)
"""The beginnings of the paths to which forms are sent."""

FAILED_SIGN_INS = "60/minute"
"""The most attempts to sign in with a wrong key from one address."""

STARTED_SIGN_INS = "300/minute"
"""The most sign-ins at the OpenID provider that begin from one address."""

_PIPELINES = (pipeline_new, pipeline_edit, simulations, pipeline_acts, pipelines)
"""In this order: `new` is no key of a pipeline, and `edit` is none of the acts."""

_WATCHING = (metrics, metric_ask, metric_sources)

_DEFINITIONS = (feature_forms, flag_forms, features, segments, environments, compare, provider, *_WATCHING, webhooks, keys)
"""In this order: `new` is no key of a feature."""

_PAGES = (
    sign_in,
    openid,
    projects,
    project_new,
    status,
    live,
    releases,
    controls,
    approvals,
    guard_forms,
    stops,
    audit,
    *_DEFINITIONS,
    *_PIPELINES,
    unknown,
)


def add_dashboard(app: FastAPI, openid_config: OpenIdConfig | None) -> None:
    """Register the pages and the static files."""
    app.state.failed_sign_ins, app.state.started_sign_ins = RateLimit(FAILED_SIGN_INS), RateLimit(STARTED_SIGN_INS)
    app.state.openid = OpenIdProvider(openid_config) if openid_config else None
    for page in _PAGES:
        app.include_router(page.router)
    unknown.answer_unknown_paths(app)
    app.mount("/static", _StaticFiles(directory=str(files("api.dashboard") / "static")), name="static")


def answer_too_large(request: Request) -> Response:
    """Answer a body that is too large: a form with a page, and everything else with a problem document."""
    return too_large_page(request) if request.url.path.startswith(FORMS) else body_limits.too_large(request)


class _StaticFiles(StaticFiles):
    """Files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file that browsers may keep."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
