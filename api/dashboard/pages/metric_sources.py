"""The metric sources of a project. Only admins of the project change them and see their addresses."""

from typing import Any

from fastapi import APIRouter, Response

from activities.commands.references import uses_of_source
from api.dashboard.forms import Field, Form, confirm, create, etag_of, given, show_form, still_in_use, use_in_words
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import read_number
from api.dependencies import MetricReaderDep
from api.routes import sources as api
from api.schemas.metrics import SourceView, WriteSource
from domain.entity_tag import Precondition
from domain.metrics.source import USUAL_CALLS, SourceKind
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/sources", route_class=PageRoute, include_in_schema=False)

_KEY = Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes")
_NAME = Field("/name", "Name", hint="(optional: the key)")
_KIND = Field("/kind", "Kind", "choice", hint="It never changes", choices=[(each.value, each.label) for each in SourceKind])
_ADDRESS = Field("/address", "Address", hint="https://prometheus.example, postgresql://reader@db.example/shop, or sqlite:///shop.db")
_USERNAME = Field("/username", "User", hint="(optional, for basic authentication of Prometheus and HTTP)")
_CALLS = Field("/calls", "Most calls at the same time", hint="of each process")
_CREDENTIAL = "a bearer token, or the password of the user"


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a source."""
    site.caller.must_administer(site.key)
    return show_form(site, _new(site), {"/calls": str(USUAL_CALLS)})


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep, reader: MetricReaderDep) -> Response:
    """Create the source."""

    def act() -> str:
        body = WriteSource.model_validate(_body(fields, "key", "kind"))
        made = api.create_metric_source(site.key, body, site.caller, site.writing(fields.get("once", "")), reader)
        return f"{_home(site)}/{made.key}?done=yes"

    return create(site, _new(site), fields, act)


@router.get("/{source}")
def show_source(site: SiteDep, source: Slug, done: str = "") -> Response:
    """Show a source, and what uses it."""
    return _page(site, source, done=done == "yes")


@router.post("/{source}/check")
def check(site: SiteDep, source: Slug, _fields: FormDep, reader: MetricReaderDep) -> Response:
    """Show whether the source answers. Open pages load themselves again, and must not ask it each time, so this is no GET."""
    return _page(site, source, checked=api.check_metric_source(site.key, source, site.caller, site.database, reader))


@router.get("/{source}/edit")
def show_edit(site: SiteDep, source: Slug) -> Response:
    """Ask for another address, user, credential, number of calls or name."""
    site.caller.must_administer(site.key)
    view = _get(site, source)
    values = {"/name": view.name, "/address": view.address or "", "/username": view.username or "", "/calls": str(view.calls)}
    return show_form(site, _edited(site, view), values, etag=_etag(site, source))


@router.post("/{source}/edit")
def edit(site: SiteDep, source: Slug, fields: LongFormDep, reader: MetricReaderDep) -> Response:
    """Change the source. The browser never gets the credential back, so there is no preview."""
    site.caller.must_administer(site.key)
    view = _get(site, source)

    def act(shown: Precondition) -> str:
        body = WriteSource.model_validate(_body(fields) | {"key": view.key, "kind": view.kind})
        api.replace_metric_source(site.key, source, body, shown, site.caller, site.database, reader, Response())
        return f"{_home(site)}/{source}?done=yes"

    return confirm(site, _edited(site, view), fields, lambda: _etag(site, source), act)


@router.get("/{source}/delete")
def show_delete(site: SiteDep, source: Slug) -> Response:
    """Ask before the source is deleted, and name what still uses it."""
    site.caller.must_administer(site.key)
    return show_form(site, _deleted(site, _get(site, source)), {}, etag=_etag(site, source))


@router.post("/{source}/delete")
def delete(site: SiteDep, source: Slug, fields: LongFormDep) -> Response:
    """Delete the source."""
    site.caller.must_administer(site.key)

    def act(shown: Precondition) -> str:
        api.delete_metric_source(site.key, source, shown, site.caller, site.database)
        return f"/projects/{site.key}/metrics?done=yes"

    return confirm(site, _deleted(site, _get(site, source)), fields, lambda: _etag(site, source), act)


def _page(site: Site, source: str, **more: Any) -> Response:
    view = _get(site, source)
    uses = [use_in_words(each) for each in _uses(site, source)]
    return site.page("metric_source.html", "metrics", source=view, uses=uses, **{"done": False, "checked": None} | more)


def _body(fields: FormFields, *more: str) -> dict[str, Any]:
    body: dict[str, Any] = given(fields, "name", "address", "username", "credential", *more)
    return body | ({"calls": read_number(fields["/calls"])} if fields.get("/calls", "").strip() else {})


def _new(site: Site) -> Form:
    fields = (_KEY, _NAME, _KIND, _ADDRESS, _USERNAME, Field("/credential", "Credential", "secret", hint=_CREDENTIAL), _CALLS)
    effects = ("Check it once it exists. Its credential is stored encrypted, and never shown.",)
    return Form("Create a metric source", "Create", "metrics", f"/projects/{site.key}/metrics", "Metrics", fields, effects)


def _edited(site: Site, source: SourceView) -> Form:
    empty = "Empty: the stored one, unless the address changes" if source.has_credential else "Empty: none"
    fields = (_NAME, _ADDRESS, _USERNAME, Field("/credential", "Credential", "secret", hint=f"{_CREDENTIAL}. {empty}"), _CALLS)
    effects = (
        "Metrics and checks use it within seconds.",
        "A changed address drops the stored credential, so that no other server gets it.",
    )
    return Form(f"Change {source.name}", "Change the source", "metrics", f"{_home(site)}/{source.key}", source.name, fields, effects)


def _deleted(site: Site, source: SourceView) -> Form:
    effects = ("Its credential is deleted too. This can't be undone.", *still_in_use(_uses(site, source.key)))
    back = f"{_home(site)}/{source.key}"
    return Form(f"Delete {source.name}?", "Delete", "metrics", back, source.name, effects=effects, is_danger=True)


def _uses(site: Site, source: str) -> list[dict[str, Any]]:
    with site.database.reading() as store:
        return uses_of_source(store, store.projects.get(site.key), source)


def _get(site: Site, source: str) -> SourceView:
    return api.get_metric_source(site.key, source, site.caller, site.database, Response())


def _etag(site: Site, source: str) -> str:
    return etag_of(lambda answer: api.get_metric_source(site.key, source, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/sources"
