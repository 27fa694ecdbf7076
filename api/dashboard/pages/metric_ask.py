"""Dry runs of a metric: its answer about a flag, the verdict, and the query as it was sent."""

from typing import Any

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.forms import REFUSED, Field, Form, given, show_form, typed
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import read_number
from api.dependencies import MetricReaderDep
from api.document_problems import parse_as
from api.routes import metrics as api
from api.schemas.metrics import AskMetric
from domain.errors import NotFound
from domain.metrics.metric import Metric, MetricShape
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/metrics/{metric}/ask", route_class=PageRoute, include_in_schema=False)

_ABOUT = ("feature", "environment", "variant", "since")
_CONDITION = "/condition/"
_BETTER = [("", "no condition"), ("lower", "lower is better"), ("higher", "higher is better")]
_BOUNDS = (
    Field("/condition/at_least", "At least", hint="(optional) the lowest value that passes"),
    Field("/condition/at_most", "At most", hint="(optional) the highest value that passes"),
)
_COMPARISON = (
    Field("/condition/better", "Condition: not worse", "choice", choices=_BETTER),
    Field("/condition/margin", "Margin", hint="such as 0.05 for 5%"),
    Field("/condition/group", "Group", hint="(optional: treatment)"),
    Field("/condition/than", "Compared with", hint="(optional: control)"),
    Field("/condition/confidence", "Confidence", hint="(optional: 0.95)"),
    Field("/condition/minimum", "Fewest users", hint="of both groups (optional: 100)"),
)
_TEXTS = ("better", "group", "than")


@router.get("")
def show_ask(site: SiteDep, metric: Slug) -> Response:
    """Ask which flag the question is about."""
    return show_form(site, _form(site, _get(site, metric)), {}, answer=None)


@router.post("")
def ask(site: SiteDep, metric: Slug, fields: FormDep, reader: MetricReaderDep) -> Response:
    """Ask the metric, and show its answer. Open pages load themselves again, and must not ask each time, so this is no GET."""
    found = _get(site, metric)
    form, values = _form(site, found), typed(fields)
    try:
        body = parse_as(AskMetric, {"metric": metric} | given(fields, *_ABOUT) | _condition(fields, found.shape))
        answer = api.ask_metric(site.key, body, site.caller, site.database, reader, site.fresh_flags)
    except (NotFound, *REFUSED) as error:
        return show_form(site, form, values, error=error, answer=None)
    return show_form(site, form, values, answer=answer)


def _condition(fields: FormFields, shape: MetricShape) -> dict[str, Any]:
    """Return the condition that was typed, if there is one."""
    texts = {name.removeprefix(_CONDITION): text for name, text in fields.items() if name.startswith(_CONDITION) and text.strip()}
    if not texts:
        return {}
    numbers = {name: read_number(text) for name, text in texts.items() if name not in _TEXTS}
    return {"condition": texts | numbers | {"type": "THRESHOLD" if shape is MetricShape.VALUE else "NOT_WORSE"}}


def _form(site: Site, metric: Metric) -> Form:
    condition = _BOUNDS if metric.shape is MetricShape.VALUE else _COMPARISON
    effects = ("The source is asked now. Nothing is stored.",)
    fields = (*_about(site), *condition)
    back = f"/projects/{site.key}/metrics/{metric.key}"
    return Form(f"Dry run of {metric.name}", "Ask", "metrics", back, metric.name, fields, effects, template="metric_ask.html")


def _about(site: Site) -> tuple[Field, ...]:
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        features = [each.key for each in store.features.page(Slice(limit=MOST), project.id).items]
        environments = [each.key for each in store.environments.page(Slice(limit=MOST), project.id).items]
    return (
        _one_of("/feature", "Feature", features),
        _one_of("/environment", "Environment", environments),
        Field("/variant", "Variant", hint="(optional)"),
        Field("/since", "Stage entered", hint="(optional: an hour ago) such as 2026-12-01T09:00:00Z"),
    )


def _one_of(name: str, label: str, keys: list[str]) -> Field:
    """Return a list of keys to choose from, or a line to type one if there are more than a list has."""
    return Field(name, label) if len(keys) >= MOST else Field(name, label, "choice", choices=[(key, key) for key in keys])


def _get(site: Site, metric: str) -> Metric:
    return api.get_metric(site.key, metric, site.caller, site.database, Response())
