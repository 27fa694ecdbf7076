"""Request and response bodies of simulations."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from activities.commands.simulate import Simulation
from domain.flags.flag import Value
from domain.instant import TimeZone
from domain.model import Frozen, Moment
from domain.percentage import Percentage
from domain.pipelines.parameter import MOST_PARAMETERS
from domain.pipelines.pipeline import Pipeline
from domain.releases.lowered_share import Accepted
from domain.releases.simulation import Obstacle, SimulatedStage, ends_at
from domain.releases.status import StageOutcome
from domain.text import Name, Slug


class Simulate(Frozen):
    """The release to simulate. The flag would enter its first stage at `starts_at`, by default now. Times are returned in `timezone`."""

    feature: Slug | None = None
    starts_at: Moment | None = None
    starting_stage: Name | None = None
    parameters: Annotated[dict[Slug, Value], Field(max_length=MOST_PARAMETERS)] = {}
    accept: Accepted = ()
    timezone: TimeZone = "UTC"


class SimulatedStepView(BaseModel):
    """A simulated step of a rollout, or of a winner that is ramped."""

    percent: Percentage
    acts_at: AwareDatetime


class SimulatedStageView(BaseModel):
    """The times at which a stage would be entered and would act. They are null from the first unknown time on."""

    name: str
    environment: str
    outcome: StageOutcome
    does: str
    enters_at: AwareDatetime | None
    acts_at: AwareDatetime | None
    steps: list[SimulatedStepView] | None
    note: str | None
    watched_by: list[str] = Field(description="The guardrails in force while the flag is in the stage, in words.")


class SimulationView(BaseModel):
    """A simulated release: the times of each stage, in `timezone`, and the obstacles that exist now."""

    pipeline: str
    version: int
    status: str
    timezone: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    stages: list[SimulatedStageView]
    obstacles: list[Obstacle]


def simulation_view(pipeline: Pipeline, simulation: Simulation, starts_at: datetime, timezone: str) -> SimulationView:
    """Return the view of a simulation, with times in this zone."""
    zone = ZoneInfo(timezone)
    definition = pipeline.definition
    words = [(stage.in_words(simulation.parameters), definition.watched_by(stage.name)) for stage in definition.stages]
    end = ends_at(simulation.stages)
    return SimulationView(
        pipeline=pipeline.definition.key,
        version=pipeline.version,
        status=pipeline.status,
        timezone=timezone,
        starts_at=starts_at.astimezone(zone),
        ends_at=end.astimezone(zone) if end else None,
        stages=[_stage(stage, does, watched_by, zone) for stage, (does, watched_by) in zip(simulation.stages, words, strict=False)],
        obstacles=simulation.obstacles,
    )


def _stage(stage: SimulatedStage, does: str, watched_by: list[str], zone: ZoneInfo) -> SimulatedStageView:
    steps = [SimulatedStepView(percent=step.percent, acts_at=step.acts_at.astimezone(zone)) for step in stage.steps or ()]
    return SimulatedStageView(
        name=stage.name,
        environment=stage.environment,
        outcome=stage.outcome,
        does=does,
        enters_at=stage.enters_at.astimezone(zone) if stage.enters_at else None,
        acts_at=stage.acts_at.astimezone(zone) if stage.acts_at else None,
        steps=steps or None,
        note=stage.note,
        watched_by=watched_by,
    )
