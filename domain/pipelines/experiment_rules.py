"""Validation of experiments: what keeps a pipeline from being published, and warnings."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from domain.errors import Problem
from domain.flags.allocation import Allocation, percents
from domain.flags.variant import CONTROL
from domain.pipelines.action import AllocateVariants, AllocateVariantsForSegment, ShipWinner
from domain.pipelines.experiment import USUALLY_PLANNED, ExperimentGate
from domain.pipelines.pipeline import PipelineDefinition, Stage

CLOSE = 0.003
"""The relative difference of two shares that millions of users don't show. Shares of a third have two decimals only."""


class _Placed(NamedTuple):
    """An experiment: its pointer, itself, its environment, and the stages before it."""

    pointer: str
    gate: ExperimentGate
    environment: str
    before: tuple[Stage, ...]


def experiment_problems(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield every reason why an experiment could not decide, or its winner could not be shipped."""
    for placed in _experiments(definition):
        yield from _differing_shares(placed)
    yield from _winners_without_experiment(definition)


def experiment_warnings(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield what would work but makes an experiment weaker than it looks."""
    for placed in _experiments(definition):
        gate = placed.gate
        if gate.planned == USUALLY_PLANNED:
            message = (
                f"The experiment is most precise with {USUALLY_PLANNED:,} users per arm, which is only the default. "
                "Set 'planned' to the number that you expect: 'flaghoist experiments plan' says how many a lift needs."
            )
            yield Problem(pointer=f"{placed.pointer}/planned", code="planned_by_default", message=message)
        if gate.longest % gate.decide_every:
            message = "The last decision counts a part of a period, because 'longest' is no multiple of 'decide_every': change one of them."
            yield Problem(pointer=f"{placed.pointer}/longest", code="part_of_a_period", message=message)


def _experiments(definition: PipelineDefinition) -> Iterator[_Placed]:
    for s, stage in enumerate(definition.stages):
        for g, gate in enumerate(stage.gates):
            if isinstance(gate, ExperimentGate):
                environment = gate.environment or stage.environment
                yield _Placed(f"/stages/{s}/gates/{g}", gate, environment, definition.stages[:s])


def _differing_shares(placed: _Placed) -> Iterator[Problem]:
    """Yield a problem if the pipeline serves other shares than the experiment expects, so that its split is off for ever."""
    found = _served_before(placed)
    if found is None:
        return
    stage, allocation = found
    served = {CONTROL: 100 - math.fsum(map(float, percents(allocation).values()))}
    served |= {key: float(percents(allocation).get(key, 0)) for key in placed.gate.variants}
    if missing := [key for key, share in served.items() if round(share, 2) <= 0]:
        message = f"'{stage}' serves '{missing[0]}' to nobody, so it can't be compared: give it a share there, or remove it here."
        yield Problem(pointer=f"{placed.pointer}/variants", code="arm_not_served", message=message)
        return
    planned = {arm.key: arm.share for arm in placed.gate.design.arms}
    if any(abs(share / _scaled(served)[key] - 1) > CLOSE for key, share in _scaled(planned).items()):
        shares = ", ".join(f"{key}: {share:g}" for key, share in served.items())
        message = f"'{stage}' doesn't serve the shares that the experiment expects, so it would be held for ever: set shares to {shares}."
        yield Problem(pointer=f"{placed.pointer}/shares", code="shares_differ", message=message)


def _served_before(placed: _Placed) -> tuple[str, Allocation] | None:
    """Return the last allocation before an experiment and its stage, or None if none is made, or several segments have their own."""
    for stage in reversed(placed.before):
        if stage.environment != placed.environment:
            continue
        everyone = [action.allocation for action in stage.actions if isinstance(action, AllocateVariants)]
        segments = [action.allocation for action in stage.actions if isinstance(action, AllocateVariantsForSegment)]
        if len(everyone) + len(segments) == 1:
            return stage.name, (everyone or segments)[0]
        if everyone or segments:
            return None
    return None


def _scaled(shares: Mapping[str, float]) -> dict[str, float]:
    whole = math.fsum(shares.values())
    return {key: share / whole for key, share in shares.items()}


def _winners_without_experiment(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield a problem for each action that ships a winner nobody has decided on, or that people would have to approve unseen."""
    has_experiment = False
    for s, stage in enumerate(definition.stages):
        experiments = [number for number, gate in enumerate(stage.gates) if isinstance(gate, ExperimentGate)]
        has_experiment = has_experiment or bool(experiments)
        for number in experiments[1:]:
            message = f"Gate {experiments[0] + 1} of this stage is an experiment already: keep one of them."
            yield Problem(pointer=f"/stages/{s}/gates/{number}", code="two_experiments", message=message)
        for a, action in enumerate(stage.actions):
            if not isinstance(action, ShipWinner):
                continue
            if not has_experiment:
                message = "No experiment decides before this: give this stage, or an earlier one, a gate of type EXPERIMENT."
                yield Problem(pointer=f"/stages/{s}/actions/{a}", code="no_experiment", message=message)
            if stage.approval is not None:
                message = (
                    "Nobody can approve a winner that is not known yet: ask for the approval in an earlier stage, or in a hold after it."
                )
                yield Problem(pointer=f"/stages/{s}/actions/{a}", code="approval_of_winner", message=message)
