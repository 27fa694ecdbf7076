"""The simulation of a flag on a pipeline: when each stage and step would act, and the obstacles."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from domain.model import Frozen, Moment
from domain.percentage import Percentage
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.freeze import Freeze, next_opening
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Stage
from domain.releases.schedule import ScheduledStage, calendar_of, simulated, steps_at
from domain.releases.status import StageOutcome


class SimulatedStep(Frozen):
    """A step of a rollout: the share that it would lead to, in percent, and the time."""

    percent: Percentage
    acts_at: Moment


class SimulatedStage(Frozen):
    """The times at which a stage would be entered and would act; None from the first stage on whose time is not given."""

    name: str
    environment: str
    outcome: StageOutcome
    enters_at: Moment | None = None
    acts_at: Moment | None = None
    steps: tuple[SimulatedStep, ...] | None = None
    note: str | None = None


class Obstacle(Frozen):
    """A reason why the flag can't be added now, or would not move as simulated. `pointer` leads into the pipeline or the request."""

    about: Literal["pipeline", "request", "feature", "right", "stop"]
    code: str
    message: str
    pointer: str | None = None


def simulate(
    stages: Sequence[Stage], start: int, at: datetime, parameters: Parameters, freezes: Sequence[Freeze] = ()
) -> list[SimulatedStage]:
    """Return every stage of a pipeline, for a flag that enters the one at `start` at that time. Earlier stages are not run."""
    fixed = with_fixed_times(stages, parameters)
    known = next((index for index, stage in enumerate(fixed) if index >= start and stage.trigger.parameters), len(fixed))
    plan = simulated(fixed[:known], start, at, calendar_of(freezes)) if known > start else {}
    return [_simulated(stage, plan.get(index), index < start, freezes) for index, stage in enumerate(fixed)]


def ends_at(stages: Sequence[SimulatedStage]) -> datetime | None:
    """Return when the last stage would have acted, or None if that is not known."""
    last = stages[-1] if stages else None
    if last is None or last.acts_at is None:
        return None
    return last.steps[-1].acts_at if last.steps else last.acts_at


def _simulated(stage: Stage, due: ScheduledStage | None, is_before: bool, freezes: Sequence[Freeze]) -> SimulatedStage:
    steps = None
    if stage.ramp and due:
        shares = stage.ramp.shares
        acts = steps_at(stage, 1, due.due_at, calendar_of(freezes))
        steps = tuple(SimulatedStep(percent=shares[number - 1], acts_at=acts_at) for number, acts_at in acts)
    return SimulatedStage(
        name=stage.name,
        environment=stage.environment,
        outcome=StageOutcome.NOT_RUN if is_before else StageOutcome.PENDING,
        enters_at=due.enters_at if due else None,
        acts_at=due.acts_at if due else None,
        steps=steps,
        note=" ".join(_notes(stage, due, freezes)) or None if due else None,
    )


def _notes(stage: Stage, due: ScheduledStage, freezes: Sequence[Freeze]) -> Iterator[str]:
    """Yield remarks about the time at which the stage would act."""
    if due.enters_at and (note := stage.trigger.note(due.enters_at)):
        yield note
    found = next_opening(stage.gates, stage.environment, due.due_at, freezes)
    if found.freeze:
        ends = f"{found.freeze.ends_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"'{found.freeze.name}' freezes {stage.environment} when the stage is due, until {ends}."
    if found.window:
        yield "Its window is closed when it is due, so it acts when the window opens."
    if stage.approval:
        yield f"It needs {stage.approval.in_words()}, so this is the earliest time."
    for gate in stage.gates:
        if isinstance(gate, ExperimentGate) and due.enters_at:
            first, last = (f"{due.enters_at + each:%Y-%m-%d %H:%M:%S} UTC" for each in (gate.earliest, gate.longest))
            yield f"It waits for an experiment, which decides from {first} on, and without a winner at {last}."
    if stage.ramps_winner:
        yield "If the control is shipped, the first step ends the allocation, and no other follows."
