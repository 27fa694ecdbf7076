"""What must hold before a pipeline version may be published, and what is worth a warning."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import pairwise

from domain.action import ForEveryone, ForSegment, UpdateFeatureValue, UpdateFeatureValueForSegment, named_field, removes_overrides
from domain.errors import Problem
from domain.flag import type_of
from domain.pipeline import Definition, Stage
from domain.trigger import OnEnter, WaitFor, waits


def problems_of(definition: Definition, environments: Collection[str], segments: Collection[str]) -> list[Problem]:
    """Every reason why the pipeline could not work, each with a pointer into the document."""
    if not definition.stages:
        return [Problem(pointer="/stages", code="no_stage", message="A pipeline needs at least one stage: add one.")]
    return [
        *_names_used_twice(definition),
        *_values_of_different_types(definition),
        *(problem for index, stage in enumerate(definition.stages) for problem in _problems_of_stage(index, stage, environments, segments)),
    ]


def warnings_of(definition: Definition) -> list[Problem]:
    """What probably isn't meant, though it would work."""
    return [*_changes_without_a_wait(definition), *_overrides_that_outlive(definition)]


def _names_used_twice(definition: Definition) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, stage in enumerate(definition.stages):
        if (other := first.setdefault(stage.name.casefold(), index)) != index:
            message = f"Stage {other + 1} has this name already: give each stage its own (case does not count)."
            yield Problem(pointer=f"/stages/{index}/name", code="name_used_twice", message=message)


def _values_of_different_types(definition: Definition) -> Iterator[Problem]:
    first = None
    for s, stage in enumerate(definition.stages):
        for a, action in enumerate(stage.actions):
            if not isinstance(action, UpdateFeatureValue | UpdateFeatureValueForSegment) or action.value is None:
                continue
            first = first or type_of(action.value)
            if type_of(action.value) is not first:
                message = f"This value is of type {type_of(action.value)}, an earlier one of type {first}: no feature takes both."
                yield Problem(pointer=f"/stages/{s}/actions/{a}/value", code="value_type", message=message)


def _problems_of_stage(index: int, stage: Stage, environments: Collection[str], segments: Collection[str]) -> Iterator[Problem]:
    at = f"/stages/{index}"
    if stage.environment not in environments:
        message = f"There is no environment '{stage.environment}': create it or name another."
        yield Problem(pointer=f"{at}/environment", code="no_such_environment", message=message)
    if isinstance(stage.trigger, WaitFor) and stage.trigger.duration <= timedelta(0):
        message = "A wait must be longer than nothing: give a duration, or use ON_ENTER."
        yield Problem(pointer=f"{at}/trigger/duration", code="wait_not_positive", message=message)
    if stage.is_hold and isinstance(stage.trigger, OnEnter):
        message = "The stage neither acts nor waits: give it an action or a wait, or leave it out."
        yield Problem(pointer=at, code="does_nothing", message=message)
    for number, action in enumerate(stage.actions):
        if isinstance(action, ForSegment) and action.segment not in segments:
            message = f"There is no segment '{action.segment}': create it or name another."
            yield Problem(pointer=f"{at}/actions/{number}/segment", code="no_such_segment", message=message)
    yield from _contradictions(at, stage)


def _contradictions(at: str, stage: Stage) -> Iterator[Problem]:
    first: dict[str, int] = {}
    removes = any(removes_overrides(action) for action in stage.actions)
    for number, action in enumerate(stage.actions):
        pointer = f"{at}/actions/{number}"
        if (other := first.setdefault(named_field(action), number)) != number:
            message = f"Action {other + 1} of this stage sets the same field ({named_field(action)}): keep one of them."
            yield Problem(pointer=pointer, code="contradiction", message=message)
        if removes and isinstance(action, ForSegment):
            message = "Another action of this stage removes all overrides: set this one in a later stage, or keep the overrides."
            yield Problem(pointer=pointer, code="contradiction", message=message)


def _changes_without_a_wait(definition: Definition) -> Iterator[Problem]:
    for index, (earlier, later) in enumerate(pairwise(definition.stages), start=1):
        both_act = not earlier.is_hold and not later.is_hold
        if both_act and earlier.environment == later.environment and not waits(later.trigger):
            message = f"'{later.name}' changes {later.environment} right after '{earlier.name}', with no wait between them."
            yield Problem(pointer=f"/stages/{index}/trigger", code="no_wait_between", message=message)


def _overrides_that_outlive(definition: Definition) -> Iterator[Problem]:
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
