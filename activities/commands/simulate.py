"""Simulations of releases: what adding a flag would do, and what prevents it. Nothing is written."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from activities.commands.preconditions import check_free, check_published, check_values, check_variants, known_in, look_at, starting_stage
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from domain.access import Caller
from domain.errors import Problem, Refusal
from domain.flags.project import Feature, Project
from domain.pipelines.binding import binding_of
from domain.pipelines.capabilities import unsupported_actions
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Pipeline, environments_ahead
from domain.pipelines.validation import problems_of
from domain.releases.lowered_share import Accepted, check_keeps_shares
from domain.releases.simulation import Obstacle, SimulatedStage, simulate
from domain.releases.stop import Stop


class SimulationRequest(NamedTuple):
    """A request to simulate a release, with a flag or without one, from a stage and a time on."""

    feature: Feature | None
    starting_stage: str | None
    parameters: Parameters
    starts_at: datetime
    accept: Accepted = ()


class Simulation(NamedTuple):
    """The times at which stages would act, the parameters they would use, and the present obstacles."""

    stages: list[SimulatedStage]
    parameters: Parameters
    obstacles: list[Obstacle]


def simulate_release(store: Store, caller: Caller, project: Project, pipeline: Pipeline, request: SimulationRequest) -> Simulation:
    """Simulate a release on any version, drafts included. Raises Invalid for an unknown stage."""
    definition = pipeline.definition
    start = starting_stage(definition, request.starting_stage)
    parameters, problems = binding_of(definition, start, request.parameters, request.starts_at)
    obstacles = [
        *_pipeline_obstacles(store, project, pipeline, request.starts_at),
        *(_obstacle("request", problem) for problem in problems),
        *(
            Obstacle(about="stop", code="stopped", message=f"{stop.in_words()}.")
            for stop in _active_stops(store, project, pipeline, start, request)
        ),
        *_refusal_obstacles("right", lambda: caller.must_operate(project.key, environments_ahead(definition.stages, start))),
    ]
    if feature := request.feature:
        obstacles += _refusal_obstacles("feature", lambda: check_free(store, feature))
        obstacles += _refusal_obstacles("feature", lambda: check_values(feature, definition, start, parameters))
        obstacles += _refusal_obstacles("feature", lambda: check_variants(project, feature, definition, start))
        states = look_at(provider_of(project, store), feature, definition)
        obstacles += _refusal_obstacles("feature", lambda: check_keeps_shares(definition.stages, start, states, parameters, request.accept))
    freezes = store.freezes.ahead(project.id, request.starts_at)
    stages = simulate(definition.stages, start, request.starts_at, parameters, freezes) if definition.stages else []
    return Simulation(stages, parameters, obstacles)


def _active_stops(store: Store, project: Project, pipeline: Pipeline, start: int, request: SimulationRequest) -> list[Stop]:
    """Return the active stops that would hold back at least one of the stages."""
    environments = {stage.environment for stage in pipeline.definition.stages[start:]}
    active = store.stops.standing(project.id, request.starts_at)
    return [stop for stop in active if any(stop.covers(each, pipeline.definition.key) for each in environments)]


def _pipeline_obstacles(store: Store, project: Project, pipeline: Pipeline, at: datetime) -> Iterator[Obstacle]:
    for problem in problems_of(pipeline.definition, known_in(store, project), at):
        yield _obstacle("pipeline", problem)
    for problem in unsupported_actions(pipeline.definition, project.provider):
        yield _obstacle("pipeline", problem)
    yield from _refusal_obstacles("pipeline", lambda: check_published(pipeline))


def _refusal_obstacles(about: str, check: Callable[[], None]) -> list[Obstacle]:
    """Run a check and return the problems of its refusal, or else the refusal itself, as obstacles."""
    try:
        check()
    except Refusal as refusal:
        if refusal.problems:
            return [_obstacle(about, problem) for problem in refusal.problems]
        return [Obstacle.model_validate({"about": about, "code": refusal.code(), "message": refusal.message})]
    return []


def _obstacle(about: str, problem: Problem) -> Obstacle:
    return Obstacle.model_validate({"about": about, "code": problem.code, "message": problem.message, "pointer": problem.pointer})
