"""References of a pipeline: the environments, segments and parameters that its stages name."""

from collections.abc import Collection, Iterator

from domain.errors import Problem
from domain.pipelines.action import ForSegment, WithValue
from domain.pipelines.binding import parameters_used
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.text import did_you_mean


def broken_references(definition: PipelineDefinition, environments: Collection[str], segments: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each environment, segment or parameter that does not exist or has the wrong type."""
    for index, stage in enumerate(definition.stages):
        at = f"/stages/{index}"
        if stage.environment not in environments:
            message = (
                f"There is no environment '{stage.environment}': create it or name another.{did_you_mean(stage.environment, environments)}"
            )
            yield Problem(pointer=f"{at}/environment", code="no_such_environment", message=message)
        yield from _broken_in_actions(at, definition, stage, segments)


def unused_parameters(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield a warning for each declared parameter that no stage refers to."""
    used = {name for stage in definition.stages for name in parameters_used(stage)}
    for name in definition.parameters:
        if name not in used:
            message = f"No stage uses the parameter '{name}'."
            yield Problem(pointer=f"/parameters/{name}", code="unused_parameter", message=message)


def _broken_in_actions(at: str, definition: PipelineDefinition, stage: Stage, segments: Collection[str]) -> Iterator[Problem]:
    for number, action in enumerate(stage.actions):
        pointer = f"{at}/actions/{number}"
        if isinstance(action, ForSegment) and action.segment not in segments:
            message = f"There is no segment '{action.segment}': create it or name another.{did_you_mean(action.segment, segments)}"
            yield Problem(pointer=f"{pointer}/segment", code="no_such_segment", message=message)
        if isinstance(action, WithValue) and action.value_from:
            yield from action.value_from.problems(f"{pointer}/value_from/parameter", definition.parameters, is_time=False)
