"""The metrics of a project, and the sources that answer them."""

from typing import Any

from fastapi import APIRouter, Response

from activities.commands.references import uses_of_metric
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, confirm, create, etag_of, given, show_form, still_in_use, use_in_words
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_texts, duration_text, read_number
from api.routes import metrics as api
from api.routes.sources import list_metric_sources
from api.schemas.metrics import SourceView
from domain.entity_tag import Precondition
from domain.metrics.metric import FEWEST, Metric, MetricShape
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/metrics", route_class=PageRoute, include_in_schema=False)

_KEY = Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes")
_SHAPES = [(MetricShape.VALUE.value, "one number"), (MetricShape.GROUPS.value, "a row for each group of users")]
_TEXTS = ("name", "description", "source", "query", "shape", "max_age", "freshness")
_POINTERS = ("pointer", "as_of")
_WHOLE = "#"
"""The pointer to a whole document as it is typed, because an empty field stands for none (RFC 6901, section 6)."""
_USUAL = {"/shape": MetricShape.VALUE.value, "/max_age": "2m"}


@router.get("")
def show_metrics(site: SiteDep, done: str = "") -> Response:
    """List the metrics and their sources."""
    metrics = api.list_metrics(site.key, site.caller, site.database, Slice(limit=MOST)).items
    return site.page("metrics.html", "metrics", metrics=metrics, sources=_sources(site), done=done == "yes")


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a metric."""
    site.caller.must_administer(site.key)
    return show_form(site, _new(site), _USUAL)


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep) -> Response:
    """Create the metric, and ask it."""
    site.caller.must_administer(site.key)

    def act() -> str:
        made = api.create_metric_definition(site.key, _metric(fields), site.caller, site.writing(fields.get("once", "")))
        return f"{_home(site)}/{made.key}?done=yes"

    return create(site, _new(site), fields, act)


@router.get("/{metric}")
def show_metric(site: SiteDep, metric: Slug, done: str = "") -> Response:
    """Show a metric, and what uses it."""
    view = _get(site, metric)
    uses = [use_in_words(each) for each in _uses(site, metric)]
    return site.page("metric.html", "metrics", metric=view, uses=uses, done=done == "yes")


@router.get("/{metric}/edit")
def show_edit(site: SiteDep, metric: Slug) -> Response:
    """Ask for another definition."""
    site.caller.must_administer(site.key)
    view = _get(site, metric)
    values = {f"/{name}": text for name, text in _texts(view).items()}
    return show_form(site, _edited(site, view), values, etag=view.etag)


@router.post("/{metric}/edit")
def edit(site: SiteDep, metric: Slug, fields: LongFormDep) -> Response:
    """Change the metric."""
    site.caller.must_administer(site.key)
    before = _get(site, metric)

    def plan() -> Plan:
        body = _metric(fields, key=before.key)

        def act(shown: Precondition) -> str:
            api.replace_metric(site.key, metric, body, shown, site.caller, site.database, Response())
            return f"{_home(site)}/{metric}?done=yes"

        return Plan(changed_texts(_texts(before), _texts(body)), ["Pipelines that name it use the new one within seconds."], act)

    return change(site, _edited(site, before), fields, lambda: _etag(site, metric), plan)


@router.get("/{metric}/delete")
def show_delete(site: SiteDep, metric: Slug) -> Response:
    """Ask before the metric is deleted, and name what still uses it."""
    site.caller.must_administer(site.key)
    return show_form(site, _deleted(site, _get(site, metric)), {}, etag=_etag(site, metric))


@router.post("/{metric}/delete")
def delete(site: SiteDep, metric: Slug, fields: LongFormDep) -> Response:
    """Delete the metric."""
    site.caller.must_administer(site.key)

    def act(shown: Precondition) -> str:
        api.delete_metric_definition(site.key, metric, shown, site.caller, site.database)
        return f"{_home(site)}?done=yes"

    return confirm(site, _deleted(site, _get(site, metric)), fields, lambda: _etag(site, metric), act)


def _metric(fields: FormFields, **more: str) -> Metric:
    """Return the metric that was typed. Raises ValidationError."""
    body: dict[str, Any] = given(fields, "key", *_TEXTS) | more
    body |= {name: text.removeprefix(_WHOLE) for name, text in given(fields, *_POINTERS).items()}
    return Metric.model_validate(body | ({"minimum": read_number(typed)} if (typed := fields.get("/minimum", "").strip()) else {}))


def _texts(metric: Metric) -> dict[str, str]:
    """Return the fields of a metric as they are typed."""
    texts = {name: str(getattr(metric, name) or "") for name in _TEXTS}
    texts |= {name: "" if (pointer := getattr(metric, name)) is None else pointer or _WHOLE for name in _POINTERS}
    return texts | {"max_age": duration_text(metric.max_age), "minimum": str(metric.minimum or "")}


def _sources(site: Site) -> list[SourceView]:
    return list(list_metric_sources(site.key, site.caller, site.database, Slice(limit=MOST)).items)


def _fields(site: Site) -> tuple[Field, ...]:
    sources = [(each.key, f"{each.name} ({each.kind.label})") for each in _sources(site)]
    return (
        Field("/name", "Name", hint="(optional: the key)"),
        Field("/description", "Description", "lines", hint="(optional)"),
        Field("/source", "Source", "choice", choices=sources),
        Field("/query", "Query", "lines", hint="PromQL with {feature} and {environment}, SQL with :feature and :environment, or a path"),
        Field("/shape", "Answer", "choice", choices=_SHAPES),
        Field("/max_age", "Oldest data", hint="such as 2m. Older data can't tell"),
        Field("/minimum", "Fewest members", hint=f"of each group (optional, for groups: {FEWEST})"),
        Field("/freshness", "Freshness", "lines", hint="(optional, for Prometheus) a query for the Unix time of the newest data"),
        Field("/pointer", "Pointer", hint="(for HTTP) a JSON pointer to the value, such as /data/value, or # for the whole answer"),
        Field("/as_of", "As of", hint="(optional, for HTTP) a JSON pointer to the time of the data"),
    )


def _new(site: Site) -> Form:
    return Form("Create a metric", "Create", "metrics", _home(site), "Metrics", (_KEY, *_fields(site)))


def _edited(site: Site, metric: Metric) -> Form:
    back = f"{_home(site)}/{metric.key}"
    return Form(f"Change {metric.name}", "Change the metric", "metrics", back, metric.name, _fields(site), has_preview=True)


def _deleted(site: Site, metric: Metric) -> Form:
    effects = ("Nothing can ask it any more. This can't be undone.", *still_in_use(_uses(site, metric.key)))
    back = f"{_home(site)}/{metric.key}"
    return Form(f"Delete {metric.name}?", "Delete", "metrics", back, metric.name, effects=effects, is_danger=True)


def _uses(site: Site, metric: str) -> list[dict[str, Any]]:
    with site.database.reading() as store:
        return uses_of_metric(store, store.projects.get(site.key), metric)


def _get(site: Site, metric: str) -> Metric:
    return api.get_metric(site.key, metric, site.caller, site.database, Response())


def _etag(site: Site, metric: str) -> str:
    return etag_of(lambda answer: api.get_metric(site.key, metric, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/metrics"
