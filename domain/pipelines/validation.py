"""Validation of a pipeline version: the problems that keep it from being published, and warnings."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from domain.errors import Problem
from domain.flags.allocation import percents
from domain.flags.flag import FeatureType, type_of
from domain.metrics.metric import MetricShape
from domain.percentage import Percentage
from domain.pipelines.action import Action, AllocateVariants, ForEveryone, ForSegment, ShipWinner, WithValue
from domain.pipelines.experiment_rules import experiment_problems, experiment_warnings
from domain.pipelines.fold import ramped_in, removes_overrides
from domain.pipelines.freeze import next_opening
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.pipelines.references import broken_references, unused_parameters
from domain.pipelines.watching import watching_problems, watching_warnings


class Known(NamedTuple):
    """The keys that exist in a project, and the shapes of its metrics. `sources` are those that can be checked, of kind `http`."""

    environments: Collection[str]
    segments: Collection[str]
    metrics: Mapping[str, MetricShape] = {}
    sources: Collection[str] = ()


def problems_of(definition: PipelineDefinition, known: Known, now: datetime) -> list[Problem]:
    """Return every reason why the pipeline could not work, each with a pointer into the document."""
    if not definition.stages:
        return [Problem(pointer="/stages", code="no_stage", message="A pipeline needs at least one stage: add one.")]
    return [
        *_duplicate_names(definition),
        *_mixed_value_types(definition),
        *(problem for index in range(len(definition.stages)) for problem in _problems_of_stage(definition, index, now)),
        *broken_references(definition, known.environments, known.segments),
        *watching_problems(definition, known.environments, known.metrics, known.sources),
        *experiment_problems(definition),
    ]


def warnings_of(definition: PipelineDefinition) -> list[Problem]:
    """Return what would work but is probably not intended."""
    return [
        *_changes_without_wait(definition),
        *_outliving_overrides(definition),
        *unused_parameters(definition),
        *watching_warnings(definition),
        *experiment_warnings(definition),
        *_steps_without_effect(definition),
    ]


def _duplicate_names(definition: PipelineDefinition) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, stage in enumerate(definition.stages):
        if (other := first.setdefault(stage.name.casefold(), index)) != index:
            message = f"Stage {other + 1} already has this name: each name must be unique, ignoring case."
            yield Problem(pointer=f"/stages/{index}/name", code="name_used_twice", message=message)


def _mixed_value_types(definition: PipelineDefinition) -> Iterator[Problem]:
    first = None
    for s, stage in enumerate(definition.stages):
        for a, action in enumerate(stage.actions):
            if (found := _value_type(definition, action)) is None:
                continue
            first = first or found
            if found is not first:
                message = f"This value is of type {found}, but an earlier one is of type {first}: no feature accepts both."
                field = "value_from/parameter" if isinstance(action, WithValue) and action.value_from else "value"
                yield Problem(pointer=f"/stages/{s}/actions/{a}/{field}", code="value_type", message=message)


def _value_type(definition: PipelineDefinition, action: Action) -> FeatureType | None:
    """Return the type of the value that an action sets, or None if it sets none or its parameter gives none."""
    if not isinstance(action, WithValue):
        return None
    if action.value_from is None:
        return None if action.value is None else type_of(action.value)
    declared = definition.parameters.get(action.value_from.parameter)
    return FeatureType(declared.type.value) if declared and declared.type.is_value else None


def _problems_of_stage(definition: PipelineDefinition, index: int, now: datetime) -> Iterator[Problem]:
    stage, at = definition.stages[index], f"/stages/{index}"
    in_trigger = list(stage.trigger.publishing_problems(f"{at}/trigger", definition.parameters, now))
    yield from in_trigger
    if stage.is_hold and not stage.gates and not stage.trigger.waits and not in_trigger:
        message = "The stage does nothing: give it an action, a wait or a gate, or remove it."
        yield Problem(pointer=at, code="does_nothing", message=message)
    for number, action in enumerate(stage.actions):
        if action.ramp and action.ramp.every <= timedelta(0):
            message = "The time between two steps must be greater than zero."
            yield Problem(pointer=f"{at}/actions/{number}/every", code="wait_not_positive", message=message)
    yield from _contradictions(at, stage)
    yield from _impossible_gates(at, stage, now)


def _impossible_gates(at: str, stage: Stage, now: datetime) -> Iterator[Problem]:
    approvals = [number for number, gate in enumerate(stage.gates) if isinstance(gate, ApprovalGate)]
    for number in approvals[1:]:
        message = f"Gate {approvals[0] + 1} of this stage already requires approval: keep the one that needs more approvals."
        yield Problem(pointer=f"{at}/gates/{number}", code="two_approvals", message=message)
    if next_opening(stage.gates, stage.environment, now, ()).at is None:
        message = "The windows of this stage are never open together: correct their days and hours, or keep one."
        yield Problem(pointer=f"{at}/gates", code="never_open", message=message)
    for number, gate in enumerate(stage.gates):
        if isinstance(gate, ApprovalGate) and gate.timeout is not None and gate.timeout <= timedelta(0):
            message = "The timeout must be greater than zero: give a duration, or leave it out."
            yield Problem(pointer=f"{at}/gates/{number}/timeout", code="wait_not_positive", message=message)


def _contradictions(at: str, stage: Stage) -> Iterator[Problem]:
    first: dict[str, int] = {}
    removes, ramped = any(removes_overrides(action) for action in stage.actions), ramped_in(stage.actions)
    for number, action in enumerate(stage.actions):
        pointer = f"{at}/actions/{number}"
        set_by = {field: first.setdefault(field, number) for field in action.named_fields}
        if field := next((field for field, other in set_by.items() if other != number), None):
            message = f"Action {set_by[field] + 1} of this stage sets the same field ({field}): keep one of them."
            yield Problem(pointer=pointer, code="contradiction", message=message)
        elif action.ramp and action is not ramped:
            message = "Another action of this stage is carried out in steps already: put one of them into another stage."
            yield Problem(pointer=pointer, code="contradiction", message=message)
        if removes and isinstance(action, ForSegment):
            message = "Another action of this stage removes all overrides: set this one in a later stage, or keep the overrides."
            yield Problem(pointer=pointer, code="contradiction", message=message)


def _changes_without_wait(definition: PipelineDefinition) -> Iterator[Problem]:
    for index, (earlier, later) in enumerate(pairwise(definition.stages), start=1):
        both_act = not earlier.is_hold and not later.is_hold
        if both_act and earlier.environment == later.environment and not later.trigger.waits and not later.gates:
            message = f"'{later.name}' changes {later.environment} right after '{earlier.name}', with no wait between them."
            yield Problem(pointer=f"/stages/{index}/trigger", code="no_wait_between", message=message)


def _outliving_overrides(definition: PipelineDefinition) -> Iterator[Problem]:
    remaining: dict[tuple[str, str], str] = {}
    for index, stage in enumerate(definition.stages):
        if any(removes_overrides(action) for action in stage.actions):
            remaining = {(environment, s): name for (environment, s), name in remaining.items() if environment != stage.environment}
        elif any(isinstance(action, ForEveryone) for action in stage.actions):
            for (environment, segment), name in remaining.items():
                if environment == stage.environment:
                    message = (
                        f"The override for '{segment}' that '{name}' sets stays after '{stage.name}' and wins over it: "
                        'set "overrides": "remove" if it should not.'
                    )
                    yield Problem(pointer=f"/stages/{index}", code="override_outlives", message=message)
        remaining |= {(stage.environment, action.segment): stage.name for action in stage.actions if isinstance(action, ForSegment)}


def _steps_without_effect(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield a warning for each winner whose first step changes nothing, because a variant has that share already."""
    had: dict[str, dict[str, Percentage]] = {}
    for s, stage in enumerate(definition.stages):
        for a, action in enumerate(stage.actions):
            if isinstance(action, AllocateVariants):
                had[stage.environment] = percents(action.allocation)
            if isinstance(action, ShipWinner) and action.ramp:
                for variant, share in had.get(stage.environment, {}).items():
                    if share >= action.ramp.initial:
                        message = f"If '{variant}' wins, the first step changes nothing: it has {share}% already. Begin with more."
                        yield Problem(pointer=f"/stages/{s}/actions/{a}/initial", code="step_changes_nothing", message=message)
