"""The experiments of a release: their numbers, and what they have decided."""

from collections.abc import Iterator

from fastapi import APIRouter

from activities.store.database import Store
from activities.store.evidence import WatchKey
from api.dependencies import CallerDep, DatabaseDep
from api.schemas.experiments import ExperimentsView, ExperimentVisit, experiment_view
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.gate import gate_key
from domain.releases.release import Release
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/releases/{release}/experiments", tags=["releases"])


@router.get("")
def list_experiments(project: Slug, release: Slug, caller: CallerDep, database: DatabaseDep) -> ExperimentsView:
    """Return the experiments of a release: the numbers of their arms, how the lift developed, and the decision."""
    caller.must_see(project)
    with database.reading() as store:
        visits = list(_visits(store, store.releases.get(release, store.projects.get(project).id)))
    return ExperimentsView(experiments=[experiment_view(each) for each in visits])


def _visits(store: Store, release: Release) -> Iterator[ExperimentVisit]:
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    for run in store.history.runs(release.id):
        stage = stages[run.stage_index]
        for number, gate in enumerate(stage.gates, start=1):
            if isinstance(gate, ExperimentGate):
                watch = WatchKey(release.id, run.visit, gate_key(number))
                yield ExperimentVisit(
                    run=run,
                    stage=stage,
                    number=number,
                    gate=gate,
                    observed=store.evidence.observed(release.id, run.visit).get(watch.key),
                    looks=store.experiments.looks(watch),
                    decision=store.experiments.decision(watch),
                )
