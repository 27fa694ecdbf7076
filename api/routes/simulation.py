"""Simulations of a release on a pipeline."""

from fastapi import APIRouter

from activities.commands.simulate import SimulationRequest, simulate_release
from activities.store.database import Store
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, now
from api.schemas.simulation import Simulate, SimulationView, simulation_view
from domain.errors import Invalid, NotFound, Problem
from domain.flags.project import Feature, Project
from domain.pipelines.trigger import FARTHEST
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines", tags=["pipelines"])


@router.post("/{pipeline}/simulate")
def simulate_pipeline(
    project: Slug,
    pipeline: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    fresh_flags: FreshFlagsDep,
    body: Simulate = Simulate(),
) -> SimulationView:
    """Simulate a release on any version, drafts included: when every stage and step would act, and what would prevent it now."""
    caller.must_see(project)
    starts_at = body.starts_at or now()
    if abs(starts_at - now()) > FARTHEST:
        message = "The start must be within five years of now."
        raise Invalid(message, problems=(Problem(pointer="/starts_at", code="not_a_time", message=message),))
    fresh_flags.prefer(project, body.feature)
    with database.reading() as store:
        owner = store.projects.get(project)
        found = store.pipelines.get(owner.id, pipeline)
        feature = _feature(store, owner, body.feature) if body.feature else None
        request = SimulationRequest(feature, body.starting_stage, body.parameters, starts_at, body.accept)
        simulation = simulate_release(store, caller, owner, found, request)
    return simulation_view(found, simulation, starts_at, body.timezone)


def _feature(store: Store, project: Project, key: str) -> Feature:
    try:
        return store.features.get(key, project.id)
    except NotFound as missing:
        raise Invalid(missing.message, problems=(Problem(pointer="/feature", code="not_found", message=missing.message),)) from missing
