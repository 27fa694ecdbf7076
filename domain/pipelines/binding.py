"""Filling in a pipeline's parameters when a flag is added."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from domain.errors import Invalid, Problem
from domain.flags.flag import Value, type_of
from domain.instant import parse_instant
from domain.pipelines.action import WithValue
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.pipelines.trigger import WaitUntil
from domain.suggestion import did_you_mean

FARTHEST = timedelta(days=5 * 366)
"""How far ahead a point in time may lie."""


def parameters_used(stage: Stage) -> set[str]:
    """The parameters that a stage needs."""
    values = {action.value_from.parameter for action in stage.actions if isinstance(action, WithValue) and action.value_from}
    times = {stage.trigger.at_from.parameter} if isinstance(stage.trigger, WaitUntil) and stage.trigger.at_from else set()
    return values | times


def bind(definition: PipelineDefinition, start: int, given: Parameters, now: datetime) -> dict[str, Value]:
    """What a release that starts at that stage has for each parameter, defaults filled in.

    Parameters that only earlier stages need are not required. Raises Invalid, which names every problem.
    """
    bound, problems = binding_of(definition, start, given, now)
    if problems:
        raise Invalid(problems[0].message, problems=tuple(problems))
    return bound


def binding_of(definition: PipelineDefinition, start: int, given: Parameters, now: datetime) -> tuple[dict[str, Value], list[Problem]]:
    """What `bind` would answer, as far as it makes sense, and every problem with it."""
    defaults = {name: each.default for name, each in definition.parameters.items() if each.default is not None}
    bound = defaults | dict(given)
    problems = [
        *_unknown(definition, given),
        *_missing(definition, start, bound),
        *_of_other_types(definition, given),
        *_bad_times(definition, start, bound, now),
    ]
    wrong = {problem.pointer.removeprefix("/parameters/") for problem in problems}
    return {name: value for name, value in bound.items() if name not in wrong}, problems


def with_fixed_times(stages: Sequence[Stage], parameters: Parameters) -> tuple[Stage, ...]:
    """The stages with each point in time in UTC; one whose parameter was not given stays as it is, for it is never entered."""
    return tuple(
        stage.model_copy(update={"trigger": stage.trigger.pinned(parameters)}) if isinstance(stage.trigger, WaitUntil) else stage
        for stage in stages
    )


def time_problem(text: str, timezone: str | None, now: datetime) -> str | None:
    """Why a point in time can't be waited for, if it can't."""
    try:
        instant = parse_instant(text, timezone)
    except ValueError as error:
        return f"'{text}' {error}"
    return f"'{text}' is more than five years ahead" if instant - now > FARTHEST else None


def _unknown(definition: PipelineDefinition, given: Parameters) -> Iterator[Problem]:
    declared = ", ".join(f"'{name}'" for name in sorted(definition.parameters)) or "none"
    for name in sorted(given.keys() - definition.parameters.keys()):
        message = f"The pipeline has no parameter '{name}': it declares {declared}.{did_you_mean(name, definition.parameters)}"
        yield _problem(name, "unknown_parameter", message)


def _missing(definition: PipelineDefinition, start: int, bound: Parameters) -> Iterator[Problem]:
    needed = {name: stage.name for stage in reversed(definition.stages[start:]) for name in parameters_used(stage)}
    for name in sorted((needed.keys() & definition.parameters.keys()) - bound.keys()):
        said = f", {description}" if (description := definition.parameters[name].description) else ""
        message = f"Stage '{needed[name]}' needs the parameter '{name}' ({definition.parameters[name].type}{said}): give it."
        yield _problem(name, "missing_parameter", message)


def _of_other_types(definition: PipelineDefinition, given: Parameters) -> Iterator[Problem]:
    for name in sorted(given.keys() & definition.parameters.keys()):
        wanted = definition.parameters[name].type
        if not wanted.takes(given[name]):
            is_of = "no value" if given[name] is None else f"of type {type_of(given[name])}"
            yield _problem(name, "parameter_type", f"The parameter '{name}' is {is_of}, and it is declared as {wanted}.")


def _bad_times(definition: PipelineDefinition, start: int, bound: Parameters, now: datetime) -> Iterator[Problem]:
    for stage in definition.stages[start:]:
        trigger = stage.trigger
        if isinstance(trigger, WaitUntil) and trigger.at_from:
            name = trigger.at_from.parameter
            given = bound.get(name)
            if isinstance(given, str) and (why := time_problem(given, trigger.timezone, now)):
                yield _problem(name, "not_a_time", f"The parameter '{name}' gives the time of stage '{stage.name}': {why}.")


def _problem(name: str, code: str, message: str) -> Problem:
    return Problem(pointer=f"/parameters/{name}", code=code, message=message)
