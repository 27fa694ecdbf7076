"""What must hold before a pipeline version may be published, and what is worth a warning."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from domain.errors import Problem
from domain.flags.flag import FeatureType, type_of
from domain.pipelines.action import Action, ForEveryone, ForSegment, PhasedRollout, WithValue, named_fields, removes_overrides
from domain.pipelines.freeze import next_opening
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.pipelines.references import broken_references, unused_parameters
from domain.pipelines.trigger import OnEnter, WaitFor, waits


def problems_of(definition: PipelineDefinition, environments: Collection[str], segments: Collection[str], now: datetime) -> list[Problem]:
    """Every reason why the pipeline could not work, each with a pointer into the document."""
    if not definition.stages:
        return [Problem(pointer="/stages", code="no_stage", message="A pipeline needs at least one stage: add one.")]
    return [
        *_names_used_twice(definition),
        *_values_of_different_types(definition),
        *(problem for index, stage in enumerate(definition.stages) for problem in _problems_of_stage(index, stage, now)),
        *broken_references(definition, environments, segments, now),
    ]


def warnings_of(definition: PipelineDefinition) -> list[Problem]:
    """What probably isn't meant, though it would work."""
    return [*_changes_without_a_wait(definition), *_overrides_that_outlive(definition), *unused_parameters(definition)]


def _names_used_twice(definition: PipelineDefinition) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, stage in enumerate(definition.stages):
        if (other := first.setdefault(stage.name.casefold(), index)) != index:
            message = f"Stage {other + 1} has this name already: give each stage its own (case does not count)."
            yield Problem(pointer=f"/stages/{index}/name", code="name_used_twice", message=message)


def _values_of_different_types(definition: PipelineDefinition) -> Iterator[Problem]:
    first = None
    for s, stage in enumerate(definition.stages):
        for a, action in enumerate(stage.actions):
            if (found := _type_of_value(definition, action)) is None:
                continue
            first = first or found
            if found is not first:
                message = f"This value is of type {found}, an earlier one of type {first}: no feature takes both."
                field = "value_from/parameter" if isinstance(action, WithValue) and action.value_from else "value"
                yield Problem(pointer=f"/stages/{s}/actions/{a}/{field}", code="value_type", message=message)


def _type_of_value(definition: PipelineDefinition, action: Action) -> FeatureType | None:
    """The type of the value that an action sets; none where it sets none, or takes it from what is no value."""
    if not isinstance(action, WithValue):
        return None
    if action.value_from is None:
        return None if action.value is None else type_of(action.value)
    declared = definition.parameters.get(action.value_from.parameter)
    return FeatureType(declared.type.value) if declared and declared.type.is_value else None


def _problems_of_stage(index: int, stage: Stage, now: datetime) -> Iterator[Problem]:
    at = f"/stages/{index}"
    if isinstance(stage.trigger, WaitFor) and stage.trigger.duration <= timedelta(0):
        message = "A wait must be longer than nothing: give a duration, or use ON_ENTER."
        yield Problem(pointer=f"{at}/trigger/duration", code="wait_not_positive", message=message)
    if stage.is_hold and not stage.gates and isinstance(stage.trigger, OnEnter):
        message = "The stage neither acts, waits nor asks: give it an action, a wait or a gate, or leave it out."
        yield Problem(pointer=at, code="does_nothing", message=message)
    for number, action in enumerate(stage.actions):
        if isinstance(action, PhasedRollout) and action.every <= timedelta(0):
            message = "The time between two steps must be longer than nothing: give a duration."
            yield Problem(pointer=f"{at}/actions/{number}/every", code="wait_not_positive", message=message)
    yield from _contradictions(at, stage)
    yield from _impossible_gates(at, stage, now)


def _impossible_gates(at: str, stage: Stage, now: datetime) -> Iterator[Problem]:
    asking = [number for number, gate in enumerate(stage.gates) if isinstance(gate, ApprovalGate)]
    for number in asking[1:]:
        message = f"Gate {asking[0] + 1} of this stage asks for approval already: keep one, with the higher number."
        yield Problem(pointer=f"{at}/gates/{number}", code="two_approvals", message=message)
    if next_opening(stage.gates, stage.environment, now, ()).at is None:
        message = "The windows of this stage are never open together: correct their days and hours, or keep one."
        yield Problem(pointer=f"{at}/gates", code="never_open", message=message)
    for number, gate in enumerate(stage.gates):
        if isinstance(gate, ApprovalGate) and gate.timeout is not None and gate.timeout <= timedelta(0):
            message = "The time to approve must be longer than nothing: give a duration, or leave it out."
            yield Problem(pointer=f"{at}/gates/{number}/timeout", code="wait_not_positive", message=message)


def _contradictions(at: str, stage: Stage) -> Iterator[Problem]:
    first: dict[str, int] = {}
    removes = any(removes_overrides(action) for action in stage.actions)
    for number, action in enumerate(stage.actions):
        pointer = f"{at}/actions/{number}"
        taken = {field: first.setdefault(field, number) for field in named_fields(action)}
        if field := next((field for field, other in taken.items() if other != number), None):
            message = f"Action {taken[field] + 1} of this stage sets the same field ({field}): keep one of them."
            yield Problem(pointer=pointer, code="contradiction", message=message)
        if removes and isinstance(action, ForSegment):
            message = "Another action of this stage removes all overrides: set this one in a later stage, or keep the overrides."
            yield Problem(pointer=pointer, code="contradiction", message=message)


def _changes_without_a_wait(definition: PipelineDefinition) -> Iterator[Problem]:
    for index, (earlier, later) in enumerate(pairwise(definition.stages), start=1):
        both_act = not earlier.is_hold and not later.is_hold
        if both_act and earlier.environment == later.environment and not waits(later.trigger) and not later.gates:
            message = f"'{later.name}' changes {later.environment} right after '{earlier.name}', with no wait between them."
            yield Problem(pointer=f"/stages/{index}/trigger", code="no_wait_between", message=message)


def _overrides_that_outlive(definition: PipelineDefinition) -> Iterator[Problem]:
    standing: dict[tuple[str, str], str] = {}
    for index, stage in enumerate(definition.stages):
        if any(removes_overrides(action) for action in stage.actions):
            standing = {(environment, s): name for (environment, s), name in standing.items() if environment != stage.environment}
        elif any(isinstance(action, ForEveryone) for action in stage.actions):
            for (environment, segment), name in standing.items():
                if environment == stage.environment:
                    message = (
                        f"The override for '{segment}' made by '{name}' outlives '{stage.name}' and wins over it: "
                        'say "overrides": "remove" if it should not.'
                    )
                    yield Problem(pointer=f"/stages/{index}", code="override_outlives", message=message)
        standing |= {(stage.environment, action.segment): stage.name for action in stage.actions if isinstance(action, ForSegment)}
