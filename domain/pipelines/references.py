"""What the stages of a pipeline refer to: environments, segments, parameters and points in time."""

from collections.abc import Collection, Iterator
from datetime import datetime

from domain.errors import Problem
from domain.pipelines.action import ForSegment, WithValue
from domain.pipelines.binding import parameters_used, time_problem
from domain.pipelines.parameter import FromParameter, ParameterType
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.pipelines.trigger import WaitUntil
from domain.suggestion import did_you_mean


def broken_references(
    definition: PipelineDefinition, environments: Collection[str], segments: Collection[str], now: datetime
) -> Iterator[Problem]:
    """Whatever a stage names that there is not, or that can't be used so."""
    for index, stage in enumerate(definition.stages):
        at = f"/stages/{index}"
        if stage.environment not in environments:
            message = (
                f"There is no environment '{stage.environment}': create it or name another.{did_you_mean(stage.environment, environments)}"
            )
            yield Problem(pointer=f"{at}/environment", code="no_such_environment", message=message)
        yield from _broken_in_actions(at, definition, stage, segments)
        if isinstance(stage.trigger, WaitUntil):
            yield from _broken_time(f"{at}/trigger", definition, stage.trigger, now)


def unused_parameters(definition: PipelineDefinition) -> Iterator[Problem]:
    """Declared parameters that no stage refers to."""
    used = {name for stage in definition.stages for name in parameters_used(stage)}
    for name in definition.parameters:
        if name not in used:
            message = f"No stage uses the parameter '{name}'."
            yield Problem(pointer=f"/parameters/{name}", code="unused_parameter", message=message)


def _broken_in_actions(at: str, definition: PipelineDefinition, stage: Stage, segments: Collection[str]) -> Iterator[Problem]:
    for number, action in enumerate(stage.actions):
        if isinstance(action, ForSegment) and action.segment not in segments:
            message = f"There is no segment '{action.segment}': create it or name another.{did_you_mean(action.segment, segments)}"
            yield Problem(pointer=f"{at}/actions/{number}/segment", code="no_such_segment", message=message)
        if isinstance(action, WithValue) and action.value_from:
            pointer = f"{at}/actions/{number}/value_from/parameter"
            yield from _broken_source(pointer, definition, action.value_from, takes_time=False)


def _broken_time(at: str, definition: PipelineDefinition, trigger: WaitUntil, now: datetime) -> Iterator[Problem]:
    if trigger.at_from:
        yield from _broken_source(f"{at}/at_from/parameter", definition, trigger.at_from, takes_time=True)
    text = trigger.text_in({name: each.default for name, each in definition.parameters.items()})
    if text and (why := time_problem(text, trigger.timezone, now)):
        yield Problem(pointer=f"{at}/{'at_from' if trigger.at_from else 'at'}", code="not_a_time", message=f"{why}.")


def _broken_source(pointer: str, definition: PipelineDefinition, source: FromParameter, *, takes_time: bool) -> Iterator[Problem]:
    declared = definition.parameters.get(source.parameter)
    if declared is None:
        hint = did_you_mean(source.parameter, definition.parameters)
        message = f"The parameter '{source.parameter}' is not declared: add it to `parameters`, or name another.{hint}"
        yield Problem(pointer=pointer, code="undeclared_parameter", message=message)
    elif takes_time == declared.type.is_value:
        wanted = ParameterType.DATETIME.value if takes_time else "string, integer or boolean"
        message = f"The parameter '{source.parameter}' is of type {declared.type}, and {wanted} is needed here."
        yield Problem(pointer=pointer, code="parameter_type", message=message)
