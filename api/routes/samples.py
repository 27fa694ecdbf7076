"""The evidence of guardrails and gates: what was sampled for a release."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import CallerDep, DatabaseDep
from api.schemas.samples import SamplesView, rule_of, watch_view
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/releases/{release}/samples", tags=["releases"])

MOST_SAMPLES = 1_000


@router.get("")
def list_samples(
    project: Slug,
    release: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    most: Annotated[int, Query(ge=1, le=MOST_SAMPLES, description="The most samples of each guardrail and gate, the newest")] = 300,
) -> SamplesView:
    """Return what guardrails, metric gates and checks have sampled for a release, with the outcome of each sample."""
    caller.must_see(project)
    with database.reading() as store:
        found = store.releases.get(release, store.projects.get(project).id)
        definition = store.pipelines.version(found.pipeline.id).definition
        runs = {run.visit: run for run in store.history.runs(found.id)}
        curves = store.evidence.curves(found.id, most)
    views = []
    for (visit, key), (observed, samples) in curves.items():
        run = runs[visit]
        stage = definition.stages[run.stage_index]
        if rule := rule_of(definition, stage, key):
            views.append(watch_view(run, stage, rule, observed, samples))
    return SamplesView(watches=views)
