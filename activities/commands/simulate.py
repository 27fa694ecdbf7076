"""Rehearsing a release: what adding a flag would do, and what stands in the way. Nothing is written."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from activities.commands.preconditions import check_free, check_published, check_values, starting_stage
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from domain.access import Caller
from domain.errors import Problem, Refusal
from domain.flags.project import Feature, Project
from domain.pipelines.binding import binding_of
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Pipeline, environments_ahead
from domain.pipelines.validation import problems_of
from domain.releases.simulation import Obstacle, SimulatedStage, simulate
from domain.releases.stop import Stop


class SimulationRequest(NamedTuple):
    """What is to be rehearsed: with a flag or without one, from which stage and moment."""

    feature: Feature | None
    starting_stage: str | None
    parameters: Parameters
    starts_at: datetime


class Simulation(NamedTuple):
    """When each stage would act, with what for each parameter, and what stands in the way now."""

    stages: list[SimulatedStage]
    parameters: Parameters
    obstacles: list[Obstacle]


def simulate_release(store: Store, caller: Caller, project: Project, pipeline: Pipeline, wanted: SimulationRequest) -> Simulation:
    """Simulate a release on any version, drafts included. Raises Invalid for a stage that there is not."""
    definition = pipeline.definition
    start = starting_stage(definition, wanted.starting_stage)
    parameters, problems = binding_of(definition, start, wanted.parameters, wanted.starts_at)
    obstacles = [
        *_of_pipeline(store, project, pipeline, wanted.starts_at),
        *(_obstacle("request", problem) for problem in problems),
        *(
            Obstacle(about="stop", code="stopped", message=f"{stop.in_words()}.")
            for stop in _stops_ahead(store, project, pipeline, start, wanted)
        ),
        *_of_refusal("right", lambda: caller.must_operate(project.key, environments_ahead(definition.stages, start))),
    ]
    if feature := wanted.feature:
        obstacles += _of_refusal("feature", lambda: check_free(store, feature))
        obstacles += _of_refusal("feature", lambda: check_values(feature, definition, start, parameters))
    freezes = store.freezes.ahead(project.id, wanted.starts_at)
    stages = simulate(definition.stages, start, wanted.starts_at, parameters, freezes) if definition.stages else []
    return Simulation(stages, parameters, obstacles)


def _stops_ahead(store: Store, project: Project, pipeline: Pipeline, start: int, wanted: SimulationRequest) -> list[Stop]:
    """The stops that stand, and would hold one of the stages."""
    environments = {stage.environment for stage in pipeline.definition.stages[start:]}
    standing = store.stops.standing(project.id, wanted.starts_at)
    return [stop for stop in standing if any(stop.covers(each, pipeline.definition.key) for each in environments)]


def _of_pipeline(store: Store, project: Project, pipeline: Pipeline, at: datetime) -> Iterator[Obstacle]:
    provider = provider_of(project, store)
    for problem in problems_of(pipeline.definition, provider.environments(), provider.segments(), at):
        yield _obstacle("pipeline", problem)
    yield from _of_refusal("pipeline", lambda: check_published(pipeline))


def _of_refusal(about: str, check: Callable[[], None]) -> list[Obstacle]:
    """What a check refuses: each of its problems, or else the refusal itself."""
    try:
        check()
    except Refusal as refusal:
        if refusal.problems:
            return [_obstacle(about, problem) for problem in refusal.problems]
        return [Obstacle.model_validate({"about": about, "code": refusal.code(), "message": refusal.message})]
    return []


def _obstacle(about: str, problem: Problem) -> Obstacle:
    return Obstacle.model_validate({"about": about, "code": problem.code, "message": problem.message, "pointer": problem.pointer})
