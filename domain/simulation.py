"""What would happen to a flag on a pipeline: when each stage and each step would act, and what stands in the way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from domain.binding import pinned
from domain.model import Frozen, Moment
from domain.parameter import Parameters
from domain.pipeline import Stage
from domain.plan import note_on
from domain.schedule import Due, simulated, steps_at
from domain.status import StageOutcome
from domain.trigger import WaitUntil


class SimulatedStep(Frozen):
    """A step of a rollout: the share that it would lead to, in percent, and when."""

    percent: int
    acts_at: Moment


class SimulatedStage(Frozen):
    """When a stage would be entered and would act; nothing, from where a time is not given on."""

    name: str
    environment: str
    outcome: StageOutcome
    enters_at: Moment | None = None
    acts_at: Moment | None = None
    steps: tuple[SimulatedStep, ...] | None = None
    note: str | None = None


class Obstacle(Frozen):
    """What would keep the flag from being added now, or from climbing so; `pointer` leads into the pipeline or the request."""

    about: Literal["pipeline", "request", "feature", "right"]
    code: str
    message: str
    pointer: str | None = None


def simulate(stages: Sequence[Stage], start: int, at: datetime, parameters: Parameters) -> list[SimulatedStage]:
    """Every stage of a pipeline, for a flag that enters the one at `start` at that time; those before it are not run."""
    ready = pinned(stages, parameters)
    known = next((index for index, stage in enumerate(ready) if index >= start and _has_no_time(stage)), len(ready))
    plan = simulated(ready[:known], start, at) if known > start else {}
    return [_simulated(stage, plan.get(index), index < start) for index, stage in enumerate(ready)]


def ends_at(stages: Sequence[SimulatedStage]) -> datetime | None:
    """When the last stage would be done, where that is known."""
    last = stages[-1] if stages else None
    if last is None or last.acts_at is None:
        return None
    return last.steps[-1].acts_at if last.steps else last.acts_at


def _has_no_time(stage: Stage) -> bool:
    return isinstance(stage.trigger, WaitUntil) and stage.trigger.at is None


def _simulated(stage: Stage, due: Due | None, is_before: bool) -> SimulatedStage:
    steps = None
    if stage.rollout and due:
        shares = stage.rollout.shares
        steps = tuple(SimulatedStep(percent=shares[number - 1], acts_at=acts_at) for number, acts_at in steps_at(stage, 1, due.acts_at))
    return SimulatedStage(
        name=stage.name,
        environment=stage.environment,
        outcome=StageOutcome.NOT_RUN if is_before else StageOutcome.PENDING,
        enters_at=due.enters_at if due else None,
        acts_at=due.acts_at if due else None,
        steps=steps,
        note=note_on(stage, due.enters_at) if due else None,
    )
