"""Binding: giving a pipeline's parameters their values when a flag is added."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.errors import Invalid, Problem
from domain.flags.flag import Value, type_of
from domain.pipelines.action import WithValue
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.text import did_you_mean


def parameters_used(stage: Stage) -> set[str]:
    """Return the names of the parameters that a stage needs."""
    values = {action.value_from.parameter for action in stage.actions if isinstance(action, WithValue) and action.value_from}
    return values | stage.trigger.parameters


def bind(definition: PipelineDefinition, start: int, given: Parameters, now: datetime) -> dict[str, Value]:
    """Return the value of each parameter, defaults included, for a release that starts at that stage.

    Parameters that only earlier stages need are not required. Raises Invalid, which names every problem.
    """
    bound, problems = binding_of(definition, start, given, now)
    if problems:
        raise Invalid(problems[0].message, problems=tuple(problems))
    return bound


def binding_of(definition: PipelineDefinition, start: int, given: Parameters, now: datetime) -> tuple[dict[str, Value], list[Problem]]:
    """Return the values that can be used, and every problem."""
    defaults = {name: each.default for name, each in definition.parameters.items() if each.default is not None}
    bound = defaults | dict(given)
    problems = [
        *_unknown(definition, given),
        *_missing(definition, start, bound),
        *_wrong_types(definition, given),
        *(problem for stage in definition.stages[start:] for problem in stage.trigger.binding_problems(stage.name, bound, now)),
    ]
    wrong = {problem.pointer.removeprefix("/parameters/") for problem in problems}
    return {name: value for name, value in bound.items() if name not in wrong}, problems


def with_fixed_times(stages: Sequence[Stage], parameters: Parameters) -> tuple[Stage, ...]:
    """Return the stages with each point in time in UTC.

    A stage whose parameter was not given stays as it is: the release starts after it and never enters it.
    """
    return tuple(stage.model_copy(update={"trigger": stage.trigger.with_fixed_time(parameters)}) for stage in stages)


def _unknown(definition: PipelineDefinition, given: Parameters) -> Iterator[Problem]:
    declared = ", ".join(f"'{name}'" for name in sorted(definition.parameters)) or "none"
    for name in sorted(given.keys() - definition.parameters.keys()):
        message = f"Unknown parameter '{name}': the pipeline declares {declared}.{did_you_mean(name, definition.parameters)}"
        yield _problem(name, "unknown_parameter", message)


def _missing(definition: PipelineDefinition, start: int, bound: Parameters) -> Iterator[Problem]:
    needed_by = {name: stage.name for stage in reversed(definition.stages[start:]) for name in parameters_used(stage)}
    for name in sorted((needed_by.keys() & definition.parameters.keys()) - bound.keys()):
        description = f", {text}" if (text := definition.parameters[name].description) else ""
        message = f"Stage '{needed_by[name]}' needs the parameter '{name}' ({definition.parameters[name].type}{description}): give it."
        yield _problem(name, "missing_parameter", message)


def _wrong_types(definition: PipelineDefinition, given: Parameters) -> Iterator[Problem]:
    for name in sorted(given.keys() & definition.parameters.keys()):
        expected, value = definition.parameters[name].type, given[name]
        if not expected.accepts(value):
            actual = "has no value" if value is None else f"is of type {type_of(value)}"
            yield _problem(name, "parameter_type", f"The parameter '{name}' {actual}; it must be of type {expected}.")


def _problem(name: str, code: str, message: str) -> Problem:
    return Problem(pointer=f"/parameters/{name}", code=code, message=message)
