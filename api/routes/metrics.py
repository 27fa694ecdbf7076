"""Metrics, which are questions to a metric source, and dry runs that show their answers."""

from datetime import timedelta

from fastapi import APIRouter, Response

from activities.commands.metric_definitions import change_metric, check_answerable, create_metric, delete_metric
from activities.metrics.adapter import CannotTell
from activities.metrics.reader import MetricReader
from activities.store.database import Store
from activities.store.metric_sources import StoredSource
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, MetricReaderDep, PreconditionDep, SliceDep, WritingDep, now
from api.routes.sources import check_same_key
from api.schemas.lists import ListOf
from api.schemas.metrics import AnswerView, AskMetric, SentQueryView, verdict_view
from domain.flags.project import Project
from domain.metrics.metric import Metric, MetricQuestion
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/metrics", tags=["metrics"])

USUAL_WINDOW = timedelta(hours=1)
"""The time since the stage was entered that a dry run assumes."""


@router.post("", status_code=201)
def create_metric_definition(project: Slug, body: Metric, caller: CallerDep, writing: WritingDep) -> Metric:
    """Create a metric. Its source must exist, and must be able to answer a query of this form."""
    caller.must_administer(project)
    with writing.transaction() as store:
        create_metric(store, caller, store.projects.get(project, lock="update"), body, now())
        return writing.answer(store, body, body.etag)


@router.get("")
def list_metrics(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[Metric]:
    """List the project's metrics, by key."""
    caller.must_see(project)
    with database.reading() as store:
        page = store.metrics.page(store.projects.get(project).id, slice_)
    return ListOf(items=page.items, next=page.next)


@router.post("/ask")
def ask_metric(
    project: Slug, body: AskMetric, caller: CallerDep, database: DatabaseDep, reader: MetricReaderDep, fresh_flags: FreshFlagsDep
) -> AnswerView:
    """Ask a metric about a flag, and judge the answer by a condition, if there is one. Changes nothing.

    Anyone who sees the project may ask a stored metric. A definition that is not stored requires the role admin.
    """
    caller.must_see(project)
    if body.definition is not None:
        caller.must_administer(project)
    fresh_flags.prefer(project)
    with database.reading() as store:
        metric, stored = _asked(store, store.projects.get(project), body)
    at = now()
    question = MetricQuestion(
        project=project,
        metric=metric.key,
        feature=body.feature,
        environment=body.environment,
        variant=body.variant,
        since=body.since or at - USUAL_WINDOW,
        at=at,
    )
    sample = reader.ask(metric, stored, question)
    verdict = verdict_view(body.condition.judge(sample)) if body.condition else None
    return AnswerView(sample=sample, verdict=verdict, sent=_sent(reader, metric, stored, question))


@router.get("/{metric}")
def get_metric(project: Slug, metric: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> Metric:
    """Return a metric."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.metrics.get(store.projects.get(project).id, metric)
    response.headers["ETag"] = found.etag
    return found


@router.put("/{metric}")
def replace_metric(
    project: Slug, metric: Slug, body: Metric, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep, response: Response
) -> Metric:
    """Replace a metric. Pipelines that name it use the new one within seconds."""
    caller.must_administer(project)
    check_same_key(metric, body.key)
    with database.transaction() as store:
        change_metric(store, caller, store.projects.get(project, lock="update"), body, now(), precondition)
    response.headers["ETag"] = body.etag
    return body


@router.delete("/{metric}", status_code=204)
def delete_metric_definition(project: Slug, metric: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a metric. No published pipeline or unfinished release may use it."""
    caller.must_administer(project)
    with database.transaction() as store:
        delete_metric(store, caller, store.projects.get(project, lock="update"), metric, now(), precondition)


def _asked(store: Store, project: Project, body: AskMetric) -> tuple[Metric, StoredSource]:
    """Return the metric and its source. Raises NotFound for a flag that does not exist: a misspelt one would just have no data."""
    store.environments.get(body.environment, project.id)
    store.features.get(body.feature, project.id)
    metric = body.definition or store.metrics.get(project.id, str(body.metric))
    return metric, check_answerable(store, project, metric)


def _sent(reader: MetricReader, metric: Metric, stored: StoredSource, question: MetricQuestion) -> SentQueryView | None:
    try:
        sent = reader.sent(metric, stored, question)
    except CannotTell:
        return None
    return SentQueryView(query=sent.text, parameters=sent.bound)
